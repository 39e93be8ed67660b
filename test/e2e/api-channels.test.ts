import { createClient, type Interceptor } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { Client, credentials, type ServiceError, status } from "@grpc/grpc-js";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { CentrifugoApi } from "../../gen/centrifugal/centrifugo/api/api_pb.ts";
import {
  API_CONFIG,
  API_KEY,
  apiCodeOf,
  askApi,
  callApi,
  offsetsOf,
  publishNumbers,
  readHistory,
} from "../support/api-client.ts";
import { callUnary } from "../support/grpc-calls.ts";
import { openHttpStream, type PushStream } from "../support/push-stream.ts";
import { type ConfigInput, OPEN, type RunningServer, runServer } from "../support/running-server.ts";
import { hmacToken } from "../unit/auth/tokens.ts";

const FOR_ALL = { allow_subscribe_for_client: true, allow_subscribe_for_anonymous: true };
/** The reference's `h` is `hp` here: it has history and presence, other channels have nothing. */
const CONFIG: ConfigInput = {
  ...OPEN,
  http_api: API_CONFIG,
  grpc_api: { enabled: true, address: "127.0.0.1", port: 0, key: API_KEY },
  channel: {
    without_namespace: FOR_ALL,
    namespaces: [
      { name: "hp", ...FOR_ALL, history_size: 100, history_ttl: "60s", presence: true },
      { name: "chat", ...FOR_ALL },
    ],
  },
};
const TRANSPORT_ERRORS = { "X-Centrifugo-Error-Mode": "transport" };

let server: RunningServer;
beforeAll(async () => {
  server = await runServer(CONFIG);
});
afterAll(() => server[Symbol.asyncDispose]());
// Whoever listened to the end of a test leaves after it.
beforeEach(() => server.untilSessions(0));

async function textOf(method: string, request: unknown): Promise<string> {
  return (await callApi(server, method, request)).text;
}

/** Listens to channels until the test is over; resolves to the public id of the client. */
async function listen(channels: readonly string[], token?: string): Promise<string> {
  const subs = Object.fromEntries(channels.map((channel) => [channel, {}]));
  const stream: PushStream = await openHttpStream(server, {
    ...(token === undefined ? {} : { token }),
    subs,
  });
  onTestFinished(() => stream[Symbol.asyncDispose]());
  return (await stream.next()).connect?.client ?? "";
}

function grpcClient({ addresses }: RunningServer): Client {
  const client = new Client(`127.0.0.1:${addresses.grpcApi?.port}`, credentials.createInsecure());
  onTestFinished(() => client.close());
  return client;
}

/** An error as the API shows it. */
interface ApiErrorJson {
  readonly code: number;
  readonly message: string;
}

const GRPC_KEY = { authorization: `apikey ${API_KEY}` };

describe("publish", () => {
  it("api 25: a private channel has the options of its namespace", async () => {
    expect(await textOf("publish", { channel: "$hp:p", data: 1 })).toMatch(
      /^\{"result":\{"offset":1,"epoch":"[A-Za-z]{8}"\}\}$/u,
    );
    expect(await apiCodeOf(server, "publish", { channel: "$zz:p", data: 1 })).toBe(102);
  });

  it("api 26: an empty namespace is none", async () => {
    expect(await textOf("publish", { channel: ":x", data: 1 })).toBe('{"result":{}}');
    expect(await textOf("publish", { channel: "$:x", data: 1 })).toBe('{"result":{}}');
  });

  it("api 27: the first publication has offset 1 and an epoch", async () => {
    expect(await textOf("publish", { channel: "hp:first", data: 1 })).toMatch(
      /^\{"result":\{"offset":1,"epoch":"[A-Za-z]{8}"\}\}$/u,
    );
  });

  it("api 28, 30, 31: skip_history, version and version_epoch, also in a broadcast", async () => {
    await publishNumbers(server, "hp:options", 1, 1);
    const broadcast = (more: object): Promise<string> =>
      textOf("broadcast", { channels: ["hp:options"], data: 0, ...more });
    const { epoch } = await readHistory(server, "hp:options");
    const at = (offset: number): string =>
      `{"result":{"responses":[{"result":{"offset":${offset},"epoch":"${epoch}"}}]}}`;
    expect(await broadcast({ skip_history: true })).toBe('{"result":{"responses":[{"result":{}}]}}');
    expect(await broadcast({ version: 5 })).toBe(at(2));
    expect(await broadcast({ version: 4 })).toBe(at(2));
    expect(await broadcast({ version: 4, version_epoch: "new" })).toBe(at(3));
    expect(await offsetsOf(server, "hp:options")).toEqual([1, 2, 3]);
  });
});

describe("history", () => {
  it("api 44, 45, 46: limit, reverse and since", async () => {
    await publishNumbers(server, "hp:five", 1, 5);
    expect(await offsetsOf(server, "hp:five", { limit: 2 })).toEqual([1, 2]);
    expect(await offsetsOf(server, "hp:five", { limit: 2, reverse: true })).toEqual([5, 4]);
    expect(await offsetsOf(server, "hp:five", { limit: -1, since: { offset: 2 } })).toEqual([3, 4, 5]);
    expect(await offsetsOf(server, "hp:five", { limit: 1, since: { offset: 2 } })).toEqual([3]);
  });

  it("api 43: of a channel that nobody has touched it begins the stream", async () => {
    const text = await textOf("history", { channel: "hp:untouched" });
    expect(text).toMatch(/^\{"result":\{"publications":\[\],"epoch":"[A-Za-z]{8}","offset":0\}\}$/u);
    expect(await textOf("history", { channel: "hp:untouched" })).toBe(text);
  });

  it("api 47: another epoch is 112, in transport mode status 416", async () => {
    const request = { channel: "hp:epoch", limit: -1, since: { offset: 1, epoch: "zzzzzzzz" } };
    expect(await textOf("history", request)).toBe(
      '{"error":{"code":112,"message":"unrecoverable position"}}',
    );
    expect(await callApi(server, "history", request, TRANSPORT_ERRORS)).toEqual({
      status: 416,
      text: '{"code":112,"message":"unrecoverable position"}',
    });
  });

  it("api 48: nothing stands before offset 0: 100, where there is history at all", async () => {
    const codeFor = (channel: string): Promise<number> =>
      apiCodeOf(server, "history", { channel, reverse: true, since: { offset: 0, epoch: "" } });
    expect(await codeFor("hp:zero")).toBe(100);
    expect(await codeFor("a")).toBe(108);
    expect(await codeFor("x:y")).toBe(102);
  });

  it("api 49: history_remove drops publications; offset and epoch stay", async () => {
    await publishNumbers(server, "hp:removed", 1, 3);
    const { epoch } = await readHistory(server, "hp:removed");
    expect(await textOf("history_remove", { channel: "hp:removed" })).toBe('{"result":{}}');
    expect(await textOf("history", { channel: "hp:removed", limit: -1 })).toBe(
      `{"result":{"publications":[],"epoch":"${epoch}","offset":3}}`,
    );
  });

  it("api 51, 52: payloads keep their digits and their order, and are safe in HTML", async () => {
    const data = '{"b": "<b>&\u2028", "a": 12345678901234567890.10}';
    const tags = { k: "v", a: "<" };
    await textOf("publish", `{"channel":"hp:raw","data":${data},"tags":${JSON.stringify(tags)}}`);
    const { epoch } = await readHistory(server, "hp:raw");
    expect(await textOf("history", { channel: "hp:raw", limit: -1 })).toBe(
      '{"result":{"publications":[{"data":{"b":"\\u003cb\\u003e\\u0026\\u2028","a":12345678901234567890.10},' +
        `"offset":1,"tags":{"a":"\\u003c","k":"v"}}],"epoch":"${epoch}","offset":1}}`,
    );
  });

  it("api 50: a payload that is no JSON is 500 over HTTP, and bytes over gRPC", async () => {
    const own = await runServer(CONFIG);
    const b64data = Buffer.from("no JSON").toString("base64");
    await callApi(own, "publish", { channel: "hp:binary", b64data });
    const request = { channel: "hp:binary", limit: -1 };
    expect(await callApi(own, "history", request)).toEqual({ status: 500, text: "Internal Server Error\n" });
    const client = grpcClient(own);
    const { result } = await callUnary(client, CentrifugoApi.method.history, request, GRPC_KEY);
    expect(result?.publications.map(({ data }) => Buffer.from(data).toString())).toEqual(["no JSON"]);
    // The caller's mistake is worth a line in the log.
    await expect(own[Symbol.asyncDispose]()).rejects.toThrow("the server logged errors");
  });
});

describe("presence", () => {
  it("api 39, 42: what a channel does not have is 108, an unknown namespace 102, no channel 107", async () => {
    for (const method of ["presence", "presence_stats", "history", "history_remove"]) {
      const codes = [];
      for (const channel of ["a", "x:y", ""]) codes.push(await apiCodeOf(server, method, { channel }));
      expect([method, ...codes]).toEqual([method, 108, 102, 107]);
    }
    const { status: notAvailable } = await callApi(server, "presence", { channel: "a" }, TRANSPORT_ERRORS);
    expect(notAvailable).toBe(400);
  });

  it("api 40: of an idle channel it is an empty object", async () => {
    expect(await textOf("presence", { channel: "hp:idle" })).toBe('{"result":{"presence":{}}}');
  });

  it("api 41: statistics print zeros", async () => {
    expect(await textOf("presence_stats", { channel: "hp:idle" })).toBe(
      '{"result":{"num_clients":0,"num_users":0}}',
    );
  });

  it("api 40: an entry prints user and client also when empty, and info only where there is some", async () => {
    const client = await listen(["hp:x"]);
    expect(await textOf("presence", { channel: "hp:x" })).toBe(
      `{"result":{"presence":{"${client}":{"user":"","client":"${client}"}}}}`,
    );
    expect(await textOf("presence_stats", { channel: "hp:x" })).toBe(
      '{"result":{"num_clients":1,"num_users":1}}',
    );
  });
});

describe("channels", () => {
  it("api 53: there are none when nobody listens", async () => {
    await using idle = await runServer(CONFIG);
    expect((await callApi(idle, "channels", {})).text).toBe('{"result":{"channels":{}}}');
  });

  it("api 53: each with the number of its listeners, in the order of names", async () => {
    await listen(["chat:b", "a#1"]);
    await listen(["chat:b", "chat:a"]);
    expect(await textOf("channels", {})).toBe(
      '{"result":{"channels":{"a#1":{"num_clients":1},"chat:a":{"num_clients":1},"chat:b":{"num_clients":2}}}}',
    );
  });

  it("api 54: a pattern has to match the whole name; * crosses boundaries", async () => {
    await listen(["chat:a:b", "chat:x", "chat", "[x]", "chet-q", "a.c", "abc", "{a,b}"]);
    const names = async (pattern: string): Promise<string[]> => {
      const answer: { result: { channels: object } } = JSON.parse(await textOf("channels", { pattern }));
      return Object.keys(answer.result.channels);
    };
    expect(await names("chat:*")).toEqual(["chat:a:b", "chat:x"]);
    expect(await names("chat")).toEqual(["chat"]);
    expect(await names("hat")).toEqual([]);
    expect(await names("**b")).toEqual(["chat:a:b"]);
    expect(await names("ch[ae]t*")).toEqual(["chat", "chat:a:b", "chat:x", "chet-q"]);
    expect(await names("ch[!a]t*")).toEqual(["chet-q"]);
    expect(await names("ch[b-z]t*")).toEqual(["chet-q"]);
    expect(await names("a.c")).toEqual(["a.c"]);
    expect(await names("a?c")).toEqual(["a.c", "abc"]);
    expect(await names("{abc,chat}")).toEqual(["abc", "chat"]);
    expect(await names(String.raw`\[x\]`)).toEqual(["[x]"]);
    expect(await names(String.raw`\{a,b\}`)).toEqual(["{a,b}"]);
    expect(await names("")).toHaveLength(8);
  });

  it.each(["[", "{", "x-{a", "{a,b", "a}", "[]", "\\"])(
    "api 55 (deviation): a malformed pattern, %j, is a bad request, and the answer says what is wrong",
    async (pattern) => {
      const { error } = (await askApi(server, "channels", { pattern })) as { error: ApiErrorJson };
      expect(error.code).toBe(107);
      expect(error.message).toMatch(/^bad request: pattern: .*pattern "/u);
      expect(error.message).toContain(JSON.stringify(pattern));
    },
  );
});

describe("rpc", () => {
  it("api 69: there are no methods: 104; no name is 107", async () => {
    expect(await textOf("rpc", { method: "x", params: {} })).toBe(
      '{"error":{"code":104,"message":"not found"}}',
    );
    expect(await apiCodeOf(server, "rpc", { params: {} })).toBe(107);
    expect((await callApi(server, "rpc", { method: "x" }, TRANSPORT_ERRORS)).status).toBe(404);
  });
});

describe("the same through every door", () => {
  it("api 70: in a batch, with the results of all methods under their names", async () => {
    const client = await listen(["hp:batch"]);
    const channel = "hp:batch";
    const commands = [
      { publish: { channel, data: 1 } },
      { history: { channel, limit: 1 } },
      { presence: { channel } },
      { presence_stats: { channel } },
      { channels: { pattern: channel } },
      { history_remove: { channel } },
      { presence: { channel: "a" } },
      { rpc: { method: "x" } },
      { subscribe: {}, unsubscribe: { channel } },
      { refresh: { user: "nobody" } },
    ];
    const { epoch } = await readHistory(server, channel);
    expect(await askApi(server, "batch", { commands })).toEqual({
      replies: [
        { publish: { offset: 1, epoch } },
        { history: { publications: [{ data: 1, offset: 1 }], epoch, offset: 1 } },
        { presence: { presence: { [client]: { user: "", client } } } },
        { presence_stats: { num_clients: 1, num_users: 1 } },
        { channels: { channels: { [channel]: { num_clients: 1 } } } },
        { history_remove: {} },
        { error: { code: 108, message: "not available" } },
        { error: { code: 104, message: "not found" } },
        { error: { code: 107, message: "bad request: channel: missing" } },
        { refresh: {} },
      ],
    });
  });

  it("api 76: in legacy commands, by name and by number", async () => {
    await publishNumbers(server, "hp:legacy", 1, 1);
    const { epoch } = await readHistory(server, "hp:legacy");
    const params = '"params":{"channel":"hp:legacy"}';
    const history = `{"result":{"publications":[],"epoch":"${epoch}","offset":1}}`;
    const commands = [
      [`{"method":"history",${params}}`, history],
      [`{"method":6,${params}}`, history],
      [`{"method":"presence",${params}}`, '{"result":{"presence":{}}}'],
      [`{"method":4,${params}}`, '{"result":{"presence":{}}}'],
      [`{"method":5,${params}}`, '{"result":{"num_clients":0,"num_users":0}}'],
      [`{"method":8,"params":{"pattern":"nothing"}}`, '{"result":{"channels":{}}}'],
      [`{"method":10,"params":{"method":"x"}}`, '{"error":{"code":104,"message":"not found"}}'],
      [`{"method":11,"params":{}}`, '{"error":{"code":107,"message":"bad request: channel: missing"}}'],
      [`{"method":12,"params":{}}`, '{"result":{}}'],
      [`{"method":2,"params":{"user":"nobody"}}`, '{"result":{}}'],
      [`{"method":7,${params}}`, '{"result":{}}'],
    ];
    const text = await textOf("", commands.map(([command]) => command).join("\n"));
    expect(text.split("\n")).toEqual(commands.map(([, reply]) => reply));
  });

  it("over gRPC; errors stand in the response, in transport mode in the status", async () => {
    const client = await listen(["hp:grpc"], hmacToken({ sub: "42", info: { n: 1 } }));
    await publishNumbers(server, "hp:grpc", 1, 2);
    const grpc = grpcClient(server);
    const { method } = CentrifugoApi;
    const channel = "hp:grpc";
    const { result } = await callUnary(grpc, method.history, { channel, limit: -1 }, GRPC_KEY);
    expect(result).toMatchObject({ offset: 2n, publications: [{ offset: 1n }, { offset: 2n }] });
    const present = await callUnary(grpc, method.presence, { channel }, GRPC_KEY);
    expect(present.result?.presence[client]).toMatchObject({ user: "42", client });
    expect(Buffer.from(present.result?.presence[client]?.connInfo ?? []).toString()).toBe('{"n":1}');
    const counted = await callUnary(grpc, method.presenceStats, { channel }, GRPC_KEY);
    expect(counted.result).toMatchObject({ numClients: 1, numUsers: 1 });
    const found = await callUnary(grpc, method.channels, { pattern: channel }, GRPC_KEY);
    expect(found.result?.channels[channel]?.numClients).toBe(1);
    const refused = await callUnary(grpc, method.presence, { channel: "a" }, GRPC_KEY);
    expect(refused.error).toMatchObject({ code: 108, message: "not available" });
    const since = { offset: 1n, epoch: "zzzzzzzz" };
    const strict = { ...GRPC_KEY, "x-centrifugo-error-mode": "transport" };
    const failure = await callUnary(grpc, method.history, { channel, since }, strict).catch(
      (error: unknown) => error as ServiceError,
    );
    expect(failure).toMatchObject({ code: status.OUT_OF_RANGE, details: "unrecoverable position" });
  });

  it.each([
    ["Connect", createConnectTransport],
    ["gRPC-Web", createGrpcWebTransport],
    ["gRPC on the HTTP port", createGrpcTransport],
  ] as const)("over %s", async (name, createTransport) => {
    const channel = `hp:${name.replaceAll(" ", "")}`;
    await publishNumbers(server, channel, 1, 2);
    await listen([channel]);
    const withKey: Interceptor = (next) => (request) => {
      request.header.set("X-API-Key", API_KEY);
      return next(request);
    };
    const { origin: baseUrl } = server;
    const transport = createTransport({ baseUrl, httpVersion: "2", interceptors: [withKey] });
    const client = createClient(CentrifugoApi, transport);
    const { result } = await client.history({ channel, limit: 1, reverse: true });
    expect(result).toMatchObject({ offset: 2n, publications: [{ offset: 2n }] });
    expect((await client.presenceStats({ channel })).result).toMatchObject({ numClients: 1, numUsers: 1 });
    expect((await client.historyRemove({ channel })).error).toBeUndefined();
    expect((await client.channels({ pattern: "[" })).error).toMatchObject({ code: 107 });
    expect((await client.rPC({ method: "x" })).error).toMatchObject({ code: 104 });
  });
});
