import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Publication } from "../../gen/centrifugal/centrifugo/unistream/unistream_pb.ts";
import { API_CONFIG, askApi, callApi } from "../support/api-client.ts";
import { GrpcPushStream } from "../support/grpc-push-stream.ts";
import { openHttpStream, openSse } from "../support/push-stream.ts";
import { type ConfigInput, OPEN, type RunningServer, runServer } from "../support/running-server.ts";
import { openWebSocket } from "../support/web-socket-client.ts";

const FOR_ALL = { allow_subscribe_for_client: true, allow_subscribe_for_anonymous: true };
const KEPT = { history_size: 10, history_ttl: "60s", force_recovery: true };
const CONFIG: ConfigInput = {
  ...OPEN,
  http_api: API_CONFIG,
  uni_grpc: { enabled: true, address: "127.0.0.1", port: 0 },
  channel: {
    without_namespace: { ...FOR_ALL, publication_data_format: "binary" },
    namespaces: [{ name: "kept", ...FOR_ALL, ...KEPT, publication_data_format: "binary" }],
  },
};

let server: RunningServer;
beforeAll(async () => {
  server = await runServer(CONFIG);
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(() => server.untilSessions(0));

/** Everybody who speaks JSON, and a client of gRPC, listening to a channel. */
class Listeners implements AsyncDisposable {
  readonly #resources = new AsyncDisposableStack();
  readonly #json: { nextText(): Promise<string> }[] = [];
  #grpc: GrpcPushStream | undefined;

  static async open(subs: Readonly<Record<string, object>>): Promise<Listeners> {
    const listeners = new Listeners();
    const resources = listeners.#resources;
    for (const open of [openHttpStream, openSse]) {
      listeners.#json.push(resources.use(await open(server, { subs })));
    }
    listeners.#json.push(resources.use(await openWebSocket(server, { subs })));
    listeners.#grpc = resources.use(
      new GrpcPushStream(`127.0.0.1:${server.addresses.uniGrpc?.port}`, { subs }),
    );
    return listeners;
  }

  /** The next pushes of the JSON clients, each text once. */
  async nextTexts(): Promise<readonly string[]> {
    return [...new Set(await Promise.all(this.#json.map((client) => client.nextText())))];
  }

  /** Resolves when all are connected. */
  async connected(): Promise<void> {
    for (const client of this.#json) await client.nextText();
    await this.#grpc?.next();
  }

  async nextOfGrpc(): Promise<Partial<Publication> | undefined> {
    return (await this.#grpc?.next())?.pub;
  }

  async recoveredByGrpc(channel: string): Promise<readonly Publication[] | undefined> {
    return (await this.#grpc?.next())?.connect?.subs[channel]?.publications;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#resources.disposeAsync();
  }
}

/** More than floating-point numbers tell apart: nanoseconds of today. */
const NANOSECONDS = 1_795_000_000_123_456_789n;

describe("version of a publication", () => {
  it.each([
    ["without history", "live", ""],
    ["with history", "kept:live", `,"offset":1,"epoch":"EPOCH"`],
  ])("%s it is in the push, to the last digit", async (_name, channel, position) => {
    await using listeners = await Listeners.open({ [channel]: {} });
    await listeners.connected();
    const request = `{"channel":"${channel}","data":1,"version":${NANOSECONDS}}`;
    const { result } = (await askApi(server, "publish", request)) as { result: { epoch?: string } };
    const pub = `"data":1${position.replace("EPOCH", result.epoch ?? "")},"version":${NANOSECONDS}`;
    expect(await listeners.nextTexts()).toEqual([`{"channel":"${channel}","pub":{${pub}}}`]);
    expect(await listeners.nextOfGrpc()).toMatchObject({ version: NANOSECONDS });
  });

  it("is in what is recovered, and never in the history of the API", async () => {
    for (const more of [`,"version":7`, "", `,"version":${NANOSECONDS}`, `,"version":${NANOSECONDS + 1n}`]) {
      await callApi(server, "publish", `{"channel":"kept:recovered","data":1${more}}`);
    }
    const history = await callApi(server, "history", { channel: "kept:recovered", limit: -1 });
    expect(history.text).toContain('{"data":1,"offset":4}');
    expect(history.text).not.toContain("version");
    await using listeners = await Listeners.open({ "kept:recovered": { recover: true } });
    const publications =
      `,"version":7},{"data":1,"offset":2},{"data":1,"offset":3,"version":${NANOSECONDS}},` +
      `{"data":1,"offset":4,"version":${NANOSECONDS + 1n}}],"recovered":true`;
    for (const text of await listeners.nextTexts()) expect(text).toContain(publications);
    const versions = (await listeners.recoveredByGrpc("kept:recovered"))?.map(({ version }) => version);
    expect(versions).toEqual([7n, 0n, NANOSECONDS, NANOSECONDS + 1n]);
  });

  it("nanoseconds that follow each other closely are told apart", async () => {
    const offsets: unknown[] = [];
    for (const version of [NANOSECONDS, NANOSECONDS + 1n, NANOSECONDS + 1n, NANOSECONDS]) {
      const request = `{"channel":"kept:close","data":1,"version":${version}}`;
      offsets.push(await askApi(server, "publish", request));
    }
    expect(offsets).toMatchObject([1, 2, 2, 2].map((offset) => ({ result: { offset } })));
  });
});

describe("an empty payload", () => {
  it("is left out of the push to JSON clients, who stay connected", async () => {
    await using listeners = await Listeners.open({ live: {}, "kept:empty": {} });
    await listeners.connected();
    await callApi(server, "publish", { channel: "live" });
    expect(await listeners.nextTexts()).toEqual(['{"channel":"live","pub":{}}']);
    expect((await listeners.nextOfGrpc())?.data).toHaveLength(0);
    await callApi(server, "publish", { channel: "live", tags: { k: "v" } });
    expect(await listeners.nextTexts()).toEqual(['{"channel":"live","pub":{"tags":{"k":"v"}}}']);
    await listeners.nextOfGrpc();
    await callApi(server, "publish", { channel: "kept:empty", data: 1 });
    await callApi(server, "publish", { channel: "kept:empty" });
    expect(await listeners.nextTexts()).toEqual([expect.stringContaining('"data":1')]);
    expect(await listeners.nextTexts()).toEqual(['{"channel":"kept:empty","pub":{"offset":2}}']);
  });

  it("is left out of what is recovered, and of the history of the API", async () => {
    await callApi(server, "publish", { channel: "kept:gone", data: 1 });
    await callApi(server, "publish", { channel: "kept:gone" });
    await using listeners = await Listeners.open({ "kept:gone": { recover: true } });
    for (const text of await listeners.nextTexts()) expect(text).toContain(',{"offset":2}],"recovered":true');
    const { text } = await callApi(server, "history", { channel: "kept:gone", limit: -1 });
    expect(text).toContain('[{"data":1,"offset":1},{"offset":2}]');
  });
});
