import { describe, expect, it } from "vitest";
import { BAD_REQUEST, OK, send, startApi, TRANSPORT } from "./fake-api.ts";

describe("legacy requests", () => {
  const PUBLISH = '{"channel":"a","data":1}';

  it.each([
    ["api 74: info needs no params", '{"method":"info"}', '{"result":{"nodes":['],
    ["info with params that are none", '{"method":9,"params":[]}', '{"result":{"nodes":['],
    ["api 75: no method publishes", `{"params":${PUBLISH}}`, '{"result":{}}'],
    ["api 76: any case", `{"method":"Publish","params":${PUBLISH}}`, '{"result":{}}'],
    ["api 76: number", `{"method":0,"params":${PUBLISH}}`, '{"result":{}}'],
    ["api 77: unknown number", '{"method":99,"params":{}}', '{"error":{"code":104,"message":"not found"}}'],
    [
      "the number that is unused",
      '{"method":13,"params":{}}',
      '{"error":{"code":104,"message":"not found"}}',
    ],
    [
      "a method that is not there",
      '{"method":"device_list","params":{}}',
      '{"error":{"code":104,"message":"not found"}}',
    ],
    ["its number", '{"method":39,"params":{}}', '{"error":{"code":104,"message":"not found"}}'],
    [
      "missing params",
      '{"method":"publish"}',
      '{"error":{"code":107,"message":"bad request: params: missing"}}',
    ],
    [
      "bad params",
      '{"method":"publish","params":[]}',
      '{"error":{"code":107,"message":"bad request: params: expected an object"}}',
    ],
    ["params null", '{"method":"disconnect","params":null}', '{"result":{}}'],
    ["null", "null", '{"error":{"code":107,"message":"bad request: params: missing"}}'],
    [
      "api 78: two objects",
      `{"method":"publish","params":${PUBLISH}}{"method":3,"params":{}}\n`,
      '{"result":{}}\n{"result":{}}',
    ],
    [
      "api 79: id",
      `{"id":7,"params":${PUBLISH}} {"id":8,"params":{}} {"id":0,"params":{}}`,
      '{"id":7,"result":{}}\n{"id":8,"error":{"code":107,"message":"bad request: channel: missing"}}\n{"error":{',
    ],
    [
      "api 81: transport mode does nothing",
      '{"params":{}}',
      '{"error":{"code":107,"message":"bad request: channel: missing"}}',
    ],
    ["white space", " \n", ""],
  ])("%s: %s", async (_what, body, text) => {
    const { post } = await startApi({ error_mode: "transport" });
    const answer = await post("/api", body, TRANSPORT);
    expect(answer.status).toBe(200);
    expect(answer.text.slice(0, text.length)).toBe(text);
    expect(answer.headers.get("content-type")).toBe("application/json");
  });

  it.each([
    '{"method":"nope"}',
    '{"method":"0"}',
    '{"method":""}',
    '{"method":null}',
    '{"method":1.5}',
    '{"method":{}}',
    '{"method":"batch"}',
    '{"method":"user_connections"}',
    '{"id":"7"}',
    '{"id":-1}',
    '{"id":4294967296}',
    "[]",
    "1",
    "",
    "{",
  ])("api 77, 97: %s: 400", async (body) => {
    const { post } = await startApi();
    expect(await post("/api", body)).toMatchObject(BAD_REQUEST);
  });

  it("api 80: commands before a bad one have had their effect", async () => {
    const { post, node } = await startApi();
    expect(await post("/api", `{"params":${PUBLISH}} garbage`)).toMatchObject(BAD_REQUEST);
    expect(node.publishedChannels).toEqual(["a"]);
  });

  it("verb and key come first", async () => {
    const { url } = await startApi();
    expect((await send(`${url}/api`, { method: "GET" })).status).toBe(405);
    expect((await send(`${url}/api`, { method: "POST", body: "" })).status).toBe(401);
  });

  it("a node that goes down answers 503", async () => {
    const { post, node } = await startApi();
    node.isStopping = true;
    expect(await post("/api", `{"params":${PUBLISH}}`)).toMatchObject({ status: 503, text: "" });
    expect(await post("/api/publish", PUBLISH)).toMatchObject(OK);
  });
});
