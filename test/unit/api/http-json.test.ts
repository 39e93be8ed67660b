import { describe, expect, it } from "vitest";
import { type Answer, BAD_REQUEST, KEY, OK, type RunningApi, send, startApi, TRANSPORT } from "./fake-api.ts";

describe("order of a request", () => {
  it.each(["GET", "HEAD", "OPTIONS", "PUT"])(
    "api 1: %s without key: 405 and nothing else",
    async (method) => {
      const { url } = await startApi();
      const answer = await send(`${url}/api/publish`, { method });
      expect(answer).toMatchObject({ status: 405, text: "" });
      expect(answer.headers.get("allow")).toBeNull();
      expect(answer.headers.get("access-control-allow-origin")).toBeNull();
    },
  );

  it("api 2: without key: 401, and how to present one", async () => {
    const { url } = await startApi();
    const answer = await send(`${url}/api/publish`, { method: "POST", body: "garbage" });
    expect(answer).toMatchObject({
      status: 401,
      text: "Unauthorized: send the API key as `X-API-Key: <key>` or `Authorization: apikey <key>`\n",
    });
    expect(answer.headers.get("www-authenticate")).toBeNull();
  });

  it.each(["/api/publish/", "/api/Publish", "/api/device_list", "/api/", "/apis"])(
    "api 9, 10: %s: 404, key or not",
    async (path) => {
      const { url } = await startApi();
      expect(await send(url + path, { method: "POST", body: "{}" })).toMatchObject({
        status: 404,
        text: "404 page not found\n",
      });
    },
  );

  it.each(["", " ", "{", "{}{}", "[]", '"a"', '{"channel":"a"} x', "\ufeff{}"])(
    "api 11, 13: body %j: 400",
    async (body) => {
      const { post } = await startApi();
      const answer = await post("/api/info", body);
      expect(answer).toMatchObject(BAD_REQUEST);
      expect(answer.headers.get("content-type")).toBe("text/plain; charset=utf-8");
      expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
    },
  );

  it("a body over the limit: 413", async () => {
    const { post } = await startApi({ max_request_body_size: 100 });
    expect(await post("/api/publish", `{"channel":"a","data":"${"x".repeat(60)}"}`)).toMatchObject(OK);
    expect((await post("/api/publish", `{"channel":"a","data":"${"x".repeat(100)}"}`)).status).toBe(413);
    const streamed = new Blob(["x".repeat(200)]).stream();
    const { url } = await startApi({ max_request_body_size: 100, insecure: true });
    expect(
      (await send(`${url}/api/publish`, { method: "POST", body: streamed, duplex: "half" })).status,
    ).toBe(413);
  });

  it("api 19: the content type is not looked at, that of the answer is JSON", async () => {
    const { post } = await startApi();
    const answer = await post("/api/publish", '{"channel":"a","data":1}', { "Content-Type": "text/plain" });
    expect(answer).toMatchObject(OK);
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(answer.headers.get("content-length")).toBe("13");
  });

  it("several requests share a connection, refused ones too", async () => {
    const { post, url } = await startApi();
    for (const _ of [1, 2, 3]) {
      expect((await send(`${url}/api/info`, { method: "POST", body: "{}" })).status).toBe(401);
      expect(await post("/api/publish", '{"channel":"a","data":1}')).toMatchObject(OK);
    }
  });
});

function publish(api: RunningApi, headers: Record<string, string>, query = ""): Promise<Answer> {
  const body = '{"channel":"a","data":1}';
  return send(`${api.url}/api/publish${query}`, { method: "POST", body, headers });
}

describe("authentication", () => {
  it.each([
    ["X-API-Key", { "X-API-Key": KEY }, "", 200],
    ["a wrong X-API-Key", { "X-API-Key": "k" }, "", 401],
    ["api 3: Authorization with any case of the scheme", { Authorization: "ApiKey  K" }, "", 200],
    ["api 4: another scheme", { Authorization: "Bearer K" }, "", 401],
    ["three parts", { Authorization: "apikey K K" }, "", 401],
    ["one part", { Authorization: "apikey" }, "", 401],
    [
      "api 5: a wrong X-API-Key and the right Authorization",
      { "X-API-Key": "k", Authorization: "apikey K" },
      "",
      401,
    ],
    [
      "an empty X-API-Key and the right Authorization",
      { "X-API-Key": "", Authorization: "apikey K" },
      "",
      200,
    ],
    ["api 6: a wrong X-API-Key and the right query", { "X-API-Key": "k" }, "?a=1&api_key=K", 200],
    ["the query alone", {}, "?api_key=K", 200],
    ["a wrong query", {}, "?api_key=KK", 401],
  ])("%s", async (_what, headers, query, status) => {
    expect((await publish(await startApi(), headers, query)).status).toBe(status);
  });

  it("a key outside ASCII is compared by its bytes", async () => {
    const key = "ключ";
    const api = await startApi({ key });
    expect((await publish(api, { "X-API-Key": Buffer.from(key).toString("latin1") })).status).toBe(200);
    expect((await publish(api, {}, `?api_key=${encodeURIComponent(key)}`)).status).toBe(200);
  });

  it("api 7: while the key is unset nobody gets in", async () => {
    const api = await startApi({ key: "" });
    expect((await publish(api, {})).status).toBe(401);
    expect((await publish(api, { "X-API-Key": "" }, "?api_key=")).status).toBe(401);
  });

  it("api 8: insecure asks for no key", async () => {
    expect((await publish(await startApi({ key: "", insecure: true }), {})).status).toBe(200);
  });
});

describe("handler_prefix", () => {
  it.each(["", "/"])(
    "%j puts methods at the root and legacy requests everywhere else",
    async (handler_prefix) => {
      const { post } = await startApi({ handler_prefix });
      expect(await post("/publish", '{"channel":"a","data":1}')).toMatchObject(OK);
      expect((await post("/whatever", '{"method":"publish","params":{"channel":"a","data":1}}')).text).toBe(
        '{"result":{}}',
      );
    },
  );

  it("loses its trailing slashes", async () => {
    const { post } = await startApi({ handler_prefix: "/v1//" });
    expect(await post("/v1/publish", '{"channel":"a","data":1}')).toMatchObject(OK);
    expect((await post("/v1", '{"params":{"channel":"a","data":1}}')).text).toBe('{"result":{}}');
  });

  it("a disabled API has no routes", async () => {
    const { post } = await startApi({ disabled: true });
    expect((await post("/api/publish", "{}")).status).toBe(404);
  });
});

describe("transport error mode", () => {
  it.each([
    ["api 21", '{"channel":"x:y","data":1}', 404, '{"code":102,"message":"unknown channel"}'],
    ["api 22", "{}", 400, '{"code":107,"message":"bad request: channel: missing"}'],
    ["broker", '{"channel":"broken","data":1}', 500, '{"code":100,"message":"internal server error"}'],
    ["success", '{"channel":"a","data":1}', 200, '{"result":{}}'],
  ])("%s", async (_what, body, status, text) => {
    const byHeader = await startApi();
    const answer = await byHeader.post("/api/publish", body, TRANSPORT);
    expect(answer).toMatchObject({ status, text });
    expect(answer.headers.get("content-type")).toBe("application/json");
    const byConfig = await startApi({ error_mode: "transport" });
    expect(await byConfig.post("/api/publish", body)).toMatchObject({ status, text });
  });

  it("api 23: the value of the header is exact", async () => {
    const { post } = await startApi();
    expect((await post("/api/publish", "{}", { "X-Centrifugo-Error-Mode": "Transport" })).status).toBe(200);
  });
});
