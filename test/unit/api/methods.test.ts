import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Answer, BAD_REQUEST, OK, startApi, TRANSPORT } from "./fake-api.ts";

function errorReply(code: number, message: string): Pick<Answer, "status" | "text"> {
  return { status: 200, text: `{"error":{"code":${code},"message":"${message}"}}` };
}

const ERROR_102 = errorReply(102, "unknown channel");

/** A reply with error 107 about a field. */
function error107(field: string): Pick<Answer, "status" | "text"> {
  return {
    status: 200,
    text: expect.stringContaining(`{"error":{"code":107,"message":"bad request: ${field}: `),
  };
}

describe("publish", () => {
  it.each([
    ["api 14", "null", error107("channel")],
    ["api 14", "{}", error107("channel")],
    ["api 15", '{"channel":"a"}', error107("data")],
    ["api 16", '{"channel":"a","data":null}', OK],
    ["api 17", '{"CHANNEL":"a","Data":1,"zz":2}', OK],
    ["api 18", '{"channel":"a","data":1,"version":"1"}', BAD_REQUEST],
    ["api 18", '{"channel":"a","data":1,"tags":{"a":1}}', BAD_REQUEST],
    ["api 20", '{"channel":"x:y","data":1}', ERROR_102],
    ["api 20: data is looked at after the namespace", '{"channel":"x:y"}', ERROR_102],
    ["api 24: base64 without padding", '{"channel":"a","b64data":"aGk"}', error107("b64data")],
    [
      "api 24: base64 is looked at before the namespace",
      '{"channel":"x:y","b64data":"aGk"}',
      error107("b64data"),
    ],
    ["base64 of the URL alphabet", '{"channel":"a","b64data":"__8="}', error107("b64data")],
    ["base64 with a space", '{"channel":"a","b64data":"aG k="}', error107("b64data")],
    ["base64 with line breaks", '{"channel":"a","b64data":"aG\\r\\nk=\\n"}', OK],
    ["api 25: namespace of a private channel", '{"channel":"$h:x","data":1}', OK],
    ["api 26: empty namespace", '{"channel":":x","data":1}', OK],
    ["api 32: json_object", '{"channel":"object:x","data":[1]}', error107("data")],
    ["json_object", '{"channel":"object:x","data":{"a":1}}', OK],
    ["json", '{"channel":"json:x","data":[1]}', OK],
    ["json", '{"channel":"json:x"}', error107("data")],
    ["json in base64", '{"channel":"json:x","b64data":"e30="}', OK],
    ["no json in base64", '{"channel":"json:x","b64data":"aGk="}', error107("data")],
    ["api 33: binary without data", '{"channel":"binary:x"}', OK],
    [
      "options of history, without history",
      '{"channel":"a","data":1,"skip_history":true,"delta":true,"version":3,"version_epoch":"e"}',
      OK,
    ],
  ])("%s: %s", async (_what, body, answer) => {
    const { post } = await startApi();
    expect(await post("/api/publish", body)).toMatchObject(answer);
  });

  it("the node gets what the request says, data byte for byte", async () => {
    const { post, node } = await startApi();
    const data = '{ "n" : 12345678901234567890.10, "b":1,"a":"\\u00e9<b>" }';
    await post("/api/publish", `{"channel":"a","data": ${data} ,"tags":{"t":"1"},"idempotency_key":"i"}`);
    await post("/api/publish", '{"channel":"b","data":1,"b64data":"aGk="}');
    await post("/api/publish", '{"channel":"binary:c"}');
    expect(node.published).toEqual([
      { channel: "a", data, tags: { t: "1" }, knownJson: true, idempotencyKey: "i" },
      { channel: "b", data: "hi", tags: undefined, knownJson: false, idempotencyKey: "" },
      { channel: "binary:c", data: "", tags: undefined, knownJson: false, idempotencyKey: "" },
    ]);
  });

  it("any JSON value arrives byte for byte", async () => {
    const { post, node } = await startApi();
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), fc.constantFrom(undefined, 1, "\t"), async (value, indent) => {
        const data = JSON.stringify(value, undefined, indent);
        await post("/api/publish", `{"data":${data},"channel":"a"}`);
        expect(node.published.at(-1)?.data).toBe(data);
      }),
      { numRuns: 50 },
    );
  });

  it("the position is in the result, with all digits", async () => {
    const { post, node } = await startApi();
    node.position = { offset: Number.MAX_SAFE_INTEGER, epoch: "e<" };
    const { text } = await post("/api/publish", '{"channel":"h:x","data":1}');
    expect(text).toBe('{"result":{"offset":9007199254740991,"epoch":"e\\u003c"}}');
  });

  it("a broker that fails is 100, and the log hears why", async () => {
    const { post, log } = await startApi();
    expect(await post("/api/publish", '{"channel":"broken","data":1}')).toMatchObject(
      errorReply(100, "internal server error"),
    );
    expect(log.errors).toEqual([new Error("broker is down")]);
  });
});

describe("broadcast", () => {
  it.each([
    ["api 36", '{"channels":[],"data":1}', "channels"],
    ["no channels", '{"data":1}', "channels"],
    ["bad base64", '{"channels":["a"],"b64data":"aGk"}', "b64data"],
  ])("%s: 107 as a whole", async (_what, body, field) => {
    const { post } = await startApi();
    expect(await post("/api/broadcast", body)).toMatchObject(error107(field));
  });

  it("api 37: each channel has its response, in order", async () => {
    const { post, node } = await startApi();
    const { text } = await post("/api/broadcast", '{"channels":["a","x:y","","object:1","broken"],"data":1}');
    expect(JSON.parse(text)).toEqual({
      result: {
        responses: [
          { result: {} },
          { error: { code: 102, message: "unknown channel" } },
          { error: { code: 107, message: "bad request: channels: an empty name" } },
          {
            error: {
              code: 107,
              message: "bad request: data: not a JSON object, which publication_data_format asks for",
            },
          },
          { error: { code: 100, message: "internal server error" } },
        ],
      },
    });
    expect(node.publishedChannels).toEqual(["a"]);
  });

  it("api 38: nothing but failures is still a success", async () => {
    const { post } = await startApi();
    expect((await post("/api/broadcast", '{"channels":["x:y"],"data":1}', TRANSPORT)).status).toBe(200);
  });

  it("thousands of channels", async () => {
    const { post, node } = await startApi();
    const channels = Array.from({ length: 3000 }, (_, at) => `c${at}`);
    const { text } = await post("/api/broadcast", JSON.stringify({ channels, data: 1 }));
    expect(text).toBe(`{"result":{"responses":[${channels.map(() => '{"result":{}}').join(",")}]}}`);
    expect(node.publishedChannels.toSorted()).toEqual(channels.toSorted());
  });
});

describe("error 107 names the field, in a call of its own and in a batch", () => {
  it.each([
    ["publish", {}, "channel"],
    ["broadcast", { channels: [""], data: 1 }, "channels"],
    ["subscribe", { user: "u" }, "channel"],
    ["subscribe", { user: "u", channel: "a", b64info: "*" }, "b64info"],
    ["subscribe", { user: "u", channel: "a", b64data: "*" }, "b64data"],
    ["disconnect", { label_filter: { op: "nope" } }, "label_filter"],
    ["history", {}, "channel"],
    ["history_remove", {}, "channel"],
    ["presence", {}, "channel"],
    ["presence_stats", {}, "channel"],
    ["rpc", {}, "method"],
    ["channels", { pattern: "[" }, "pattern"],
    ["connections", {}, "user"],
    ["connections", { user: "u", limit: -1 }, "limit"],
    ["update_user_status", {}, "users"],
    ["get_user_status", { users: [""] }, "users"],
    ["delete_user_status", { users: Array.from({ length: 10_001 }, () => "u") }, "users"],
    ["block_user", {}, "user"],
    ["block_user", { user: "u", expire_at: -1 }, "expire_at"],
    ["unblock_user", {}, "user"],
    ["revoke_token", {}, "uid"],
    ["invalidate_user_tokens", {}, "user"],
    ["invalidate_user_tokens", { user: "u", issued_before: -1 }, "issued_before"],
  ])("%s: %j", async (method, request, field) => {
    const { post } = await startApi();
    const alone = await post(`/api/${method}`, JSON.stringify(request));
    const inBatch = await post("/api/batch", JSON.stringify({ commands: [{ [method]: request }] }));
    for (const { text } of [alone, inBatch]) {
      expect(text).toContain(`"error":{"code":107,"message":"bad request: ${field}: `);
    }
  });
});

describe("info", () => {
  it("api 12: zeros of a node are printed", async () => {
    const { post } = await startApi();
    expect((await post("/api/info", "{}")).text).toBe(
      '{"result":{"nodes":[{"uid":"u","name":"n","version":"v","num_clients":1,"num_users":0,"num_channels":0,"uptime":3,"num_subs":2}]}}',
    );
  });
});

describe("disconnect", () => {
  it.each([
    [
      "api 63",
      '{"user":"1"}',
      {
        target: { user: "1", client: "", session: "" },
        code: 3503,
        reason: "force disconnect",
        whitelist: [],
      },
    ],
    [
      "api 64",
      '{"user":"1","whitelist":["c"]}',
      {
        target: { user: "1", client: "", session: "" },
        code: 3503,
        reason: "force disconnect",
        whitelist: ["c"],
      },
    ],
    [
      "api 65",
      '{"client":"c","session":"s","disconnect":{"code":4501,"reason":"r"}}',
      { target: { user: "", client: "c", session: "s" }, code: 4501, reason: "r", whitelist: [] },
    ],
    [
      "an empty disconnect is code 0",
      '{"user":"1","disconnect":{}}',
      { target: { user: "1", client: "", session: "" }, code: 0, reason: "", whitelist: [] },
    ],
  ])("%s: %s", async (_what, body, expected) => {
    const { post, node } = await startApi();
    expect(await post("/api/disconnect", body)).toMatchObject(OK);
    expect(node.disconnected).toMatchObject([expected]);
  });
});

describe("batch", () => {
  it("api 70: replies name their method", async () => {
    const { post } = await startApi();
    const body = '{"commands":[{"publish":{"channel":"a","data":1}},{"publish":{"channel":"x:y","data":1}}]}';
    expect(await post("/api/batch", body, TRANSPORT)).toMatchObject({
      status: 200,
      text: '{"replies":[{"publish":{}},{"error":{"code":102,"message":"unknown channel"}}]}',
    });
  });

  it("api 71: no commands", async () => {
    const { post } = await startApi();
    expect(await post("/api/batch", "{}")).toMatchObject({ status: 200, text: "{}" });
  });

  it("api 72: null is a bad request, what there is not is not found", async () => {
    const { post } = await startApi();
    const { text } = await post("/api/batch", '{"commands":[null,{},{"device_list":{}},{"nope":{}}]}');
    const { replies } = JSON.parse(text) as { replies: { error: { code: number } }[] };
    expect(replies.map(({ error }) => error.code)).toEqual([107, 104, 104, 104]);
  });

  it("api 73: a batch never fails as a whole", async () => {
    const { post } = await startApi({ error_mode: "transport" });
    expect((await post("/api/batch", '{"commands":[{"publish":{}}]}')).status).toBe(200);
  });

  it("one command runs one method, the first by precedence", async () => {
    const { post, node } = await startApi();
    const command = {
      info: {},
      disconnect: { user: "1" },
      broadcast: { channels: ["b"], data: 1 },
      connections: {},
    };
    expect((await post("/api/batch", JSON.stringify({ commands: [command] }))).text).toBe(
      '{"replies":[{"broadcast":{"responses":[{"result":{}}]}}]}',
    );
    expect([node.publishedChannels, node.disconnected]).toEqual([["b"], []]);
  });

  it.each([true, false])("replies are in the order of commands, parallel: %s", async (parallel) => {
    const { post } = await startApi();
    const commands = Array.from({ length: 2000 }, (_, at) =>
      at % 2 === 0 ? { publish: { channel: "a", data: at } } : {},
    );
    const { text } = await post("/api/batch", JSON.stringify({ commands, parallel }));
    const { replies } = JSON.parse(text) as { replies: { publish?: object; error?: object }[] };
    expect(replies.map((reply) => reply.publish !== undefined)).toEqual(
      commands.map((_, at) => at % 2 === 0),
    );
  });

  it("wrong types fail the request", async () => {
    const { post } = await startApi();
    expect(await post("/api/batch", '{"commands":[{"publish":{"channel":1}}]}')).toMatchObject(BAD_REQUEST);
    expect(await post("/api/batch", '{"commands":{}}')).toMatchObject(BAD_REQUEST);
  });
});
