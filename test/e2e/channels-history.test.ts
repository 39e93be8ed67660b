import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import {
  API_CONFIG,
  apiCodeOf,
  askApi,
  offsetsOf,
  publishNumbers,
  readHistory,
} from "../support/api-client.ts";
import { openHttpStream, type PushStream } from "../support/push-stream.ts";
import { type ConfigInput, OPEN, type RunningServer, runServer } from "../support/running-server.ts";
import { PATIENCE_MS } from "../support/signal.ts";
import { CliBench } from "../unit/cli/fake-io.ts";

const EPOCH = /^[A-Za-z]{8}$/u;
const FOR_ALL = { allow_subscribe_for_client: true, allow_subscribe_for_anonymous: true };
const THREE = { history_size: 3, history_ttl: "60s" };
const CONFIG: ConfigInput = {
  ...OPEN,
  http_api: API_CONFIG,
  channel: {
    without_namespace: { ...FOR_ALL, ...THREE },
    namespaces: [
      { name: "none", ...FOR_ALL },
      { name: "object", publication_data_format: "json_object" },
      { name: "json", publication_data_format: "json" },
      { name: "binary", publication_data_format: "binary" },
      { name: "brief", history_size: 10, history_ttl: "4s" },
      { name: "forgetful", history_size: 10, history_ttl: "2s", history_meta_ttl: "2s" },
    ],
  },
};

let server: RunningServer;
beforeAll(async () => {
  server = await runServer(CONFIG);
});
afterAll(() => server[Symbol.asyncDispose]());

/** Somebody who listens to a channel, and has been told so. */
async function listen(channel: string): Promise<PushStream> {
  const stream = await openHttpStream(server, { subs: { [channel]: {} } });
  await stream.next();
  return stream;
}

/** The result of a publish. */
function publish(
  channel: string,
  data: unknown,
  more: Readonly<Record<string, unknown>> = {},
): Promise<unknown> {
  return askApi(server, "publish", { channel, data, ...more });
}

describe("history", () => {
  it("core 51: publications are counted from 1, and the newest history_size are kept", async () => {
    const { epoch } = await readHistory(server, "c51");
    for (const offset of [1, 2, 3, 4, 5]) {
      expect(await publish("c51", offset)).toEqual({ result: { offset, epoch } });
    }
    expect((await readHistory(server, "c51")).publications).toEqual(
      [3, 4, 5].map((offset) => ({ data: offset, offset })),
    );
  });

  it("core 52, api 43: limit 0, or none, asks for the position only", async () => {
    await publishNumbers(server, "c52", 1, 5);
    const position = { publications: [], epoch: expect.stringMatching(EPOCH), offset: 5 };
    expect(await readHistory(server, "c52", { limit: 0 })).toEqual(position);
    expect(await readHistory(server, "c52", {})).toEqual(position);
  });

  it("core 53, api 44, 45: a limit counts from the oldest, with reverse from the newest", async () => {
    await publishNumbers(server, "c53", 1, 5);
    expect(await offsetsOf(server, "c53", { limit: 2 })).toEqual([3, 4]);
    expect(await offsetsOf(server, "c53", { limit: 2, reverse: true })).toEqual([5, 4]);
    expect(await offsetsOf(server, "c53", { limit: 100 })).toEqual([3, 4, 5]);
  });

  it("core 54: since is what follows a position, with reverse what came before it", async () => {
    await publishNumbers(server, "c54", 1, 5);
    expect(await offsetsOf(server, "c54", { limit: -1, since: { offset: 3 } })).toEqual([4, 5]);
    expect(await offsetsOf(server, "c54", { limit: -1, since: { offset: 5 }, reverse: true })).toEqual([
      4, 3,
    ]);
    expect(await offsetsOf(server, "c54", { limit: -1, since: { offset: 1 } })).toEqual([3, 4, 5]);
    expect(await offsetsOf(server, "c54", { limit: -1, since: { offset: 9 } })).toEqual([]);
  });

  it("core §3.3 (deviation: the memory engine does as Redis): reverse from beyond the top begins at the newest", async () => {
    await publishNumbers(server, "beyond", 1, 3);
    const filter = { limit: 2, since: { offset: 9 }, reverse: true };
    expect(await offsetsOf(server, "beyond", filter)).toEqual([3, 2]);
  });

  it("core 55, api 47: a position of another epoch is 112, one without epoch is any", async () => {
    await publishNumbers(server, "c55", 1, 2);
    const { epoch } = await readHistory(server, "c55");
    const codeFor = (since: unknown): Promise<number> =>
      apiCodeOf(server, "history", { channel: "c55", limit: -1, since });
    expect(await codeFor({ offset: 1, epoch: "zzzzzzzz" })).toBe(112);
    expect(await codeFor({ offset: 1, epoch: "" })).toBe(0);
    expect(await codeFor({ offset: 1, epoch })).toBe(0);
  });

  it("core 58, api 49: history_remove drops publications, not the position", async () => {
    await publishNumbers(server, "c58", 1, 2);
    const { epoch } = await readHistory(server, "c58");
    expect(await askApi(server, "history_remove", { channel: "c58" })).toEqual({ result: {} });
    expect(await readHistory(server, "c58")).toEqual({ publications: [], epoch, offset: 2 });
    expect(await publish("c58", 3)).toEqual({ result: { offset: 3, epoch } });
  });

  it("core 61, api 42: without history a publish has no position, and history is 108", async () => {
    expect(await publish("none:a", 1)).toEqual({ result: {} });
    expect(await apiCodeOf(server, "history", { channel: "none:a" })).toBe(108);
    expect(await apiCodeOf(server, "history_remove", { channel: "none:a" })).toBe(108);
  });

  it("core 62, api 28: skip_history delivers without an offset and leaves the stream alone", async () => {
    await publishNumbers(server, "c62", 1, 1);
    await using listener = await listen("c62");
    expect(await publish("c62", "live", { skip_history: true })).toEqual({ result: {} });
    expect(await listener.nextText()).toBe('{"channel":"c62","pub":{"data":"live"}}');
    expect(await readHistory(server, "c62")).toMatchObject({ publications: [{ data: 1 }], offset: 1 });
  });

  it("core 71, uni 60, api 27: the first publication of a stream carries its epoch, the second does not", async () => {
    await using listener = await listen("c71");
    const { epoch } = await readHistory(server, "c71");
    expect(await publish("c71", 1)).toEqual({ result: { offset: 1, epoch } });
    await publish("c71", 2);
    expect(await listener.nextText()).toBe(
      `{"channel":"c71","pub":{"data":1,"offset":1,"epoch":"${epoch}"}}`,
    );
    expect(await listener.nextText()).toBe('{"channel":"c71","pub":{"data":2,"offset":2}}');
  });

  it("core 86: payloads must be what publication_data_format says", async () => {
    const codeOf = (channel: string, request: object): Promise<number> =>
      apiCodeOf(server, "publish", { channel, ...request });
    const text = { b64data: Buffer.from("no JSON").toString("base64") };
    expect(await codeOf("object:a", { data: [] })).toBe(107);
    expect(await codeOf("object:a", { data: {} })).toBe(0);
    expect(await codeOf("json:a", text)).toBe(107);
    expect(await codeOf("json:a", { data: [] })).toBe(0);
    expect(await codeOf("none:a", {})).toBe(107);
    expect(await codeOf("none:a", text)).toBe(0);
    expect(await codeOf("binary:a", {})).toBe(0);
    expect(await codeOf("binary:a", text)).toBe(0);
  });
});

describe("publications that come twice, or too late", () => {
  it("core 63, api 29: an idempotency key is delivered once per channel, and answered the same", async () => {
    await using listener = await listen("c63");
    await using other = await listen("c63b");
    const { epoch } = await readHistory(server, "c63");
    const key = { idempotency_key: "k" };
    expect(await publish("c63", 1, key)).toEqual({ result: { offset: 1, epoch } });
    await publish("c63", 2);
    expect(await publish("c63", 3, key)).toEqual({ result: { offset: 1, epoch } });
    await publish("c63b", 4, key);
    await publish("c63", 5, { idempotency_key: "k2" });
    expect([await listener.next(), await listener.next(), await listener.next()]).toMatchObject([
      { pub: { data: 1, offset: 1 } },
      { pub: { data: 2, offset: 2 } },
      { pub: { data: 5, offset: 3 } },
    ]);
    expect(await other.next()).toMatchObject({ pub: { data: 4, offset: 1 } });
  });

  it("core 63: a key works without history, too", async () => {
    await using listener = await listen("none:c63");
    for (const data of [1, 2]) {
      expect(await publish("none:c63", data, { idempotency_key: "k" })).toEqual({ result: {} });
    }
    await publish("none:c63", 3);
    expect([await listener.next(), await listener.next()]).toMatchObject([
      { pub: { data: 1 } },
      { pub: { data: 3 } },
    ]);
  });

  it("core 64, api 30: a version that is not higher is answered, not delivered", async () => {
    await using listener = await listen("c64");
    const { epoch } = await readHistory(server, "c64");
    expect(await publish("c64", "two", { version: 2 })).toEqual({ result: { offset: 1, epoch } });
    for (const version of [1, 2]) {
      expect(await publish("c64", "late", { version })).toEqual({ result: { offset: 1, epoch } });
    }
    expect(await publish("c64", "three", { version: 3 })).toEqual({ result: { offset: 2, epoch } });
    expect([await listener.next(), await listener.next()]).toMatchObject([
      { pub: { data: "two", offset: 1 } },
      { pub: { data: "three", offset: 2 } },
    ]);
    expect(await offsetsOf(server, "c64")).toEqual([1, 2]);
  });

  it("core 65, api 31: versions of another version_epoch do not compare", async () => {
    await using listener = await listen("c65");
    await publish("c65", "old", { version: 2, version_epoch: "x" });
    await publish("c65", "late", { version: 1, version_epoch: "x" });
    await publish("c65", "late", { version: 2 });
    await publish("c65", "new", { version: 1, version_epoch: "y" });
    await publish("c65", "late", { version: 1, version_epoch: "y" });
    expect([await listener.next(), await listener.next()]).toMatchObject([
      { pub: { data: "old", offset: 1 } },
      { pub: { data: "new", offset: 2 } },
    ]);
    expect(await offsetsOf(server, "c65")).toEqual([1, 2]);
  });

  it("core 64 (deviation: the memory engine keeps the version): a publish without version changes none", async () => {
    await publish("c64u", 1, { version: 5 });
    await publish("c64u", 2);
    await publish("c64u", 3, { version: 4 });
    await publish("c64u", 4, { version: 6 });
    expect((await readHistory(server, "c64u")).publications).toMatchObject([
      { data: 1 },
      { data: 2 },
      { data: 4 },
    ]);
  });
});

describe.concurrent("history over time", () => {
  it("core 56, 57: history_ttl is that of the window, restarted by each publish; the position outlives it", async () => {
    const { epoch } = await readHistory(server, "brief:a");
    const startMs = performance.now();
    await publish("brief:a", 1);
    await sleep(2400);
    await publish("brief:a", 2);
    const secondMs = performance.now();
    await sleep(startMs + 4100 - secondMs);
    // Past the time of the first one alone.
    expect(await offsetsOf(server, "brief:a")).toEqual([1, 2]);
    await vi.waitFor(async () => expect(await offsetsOf(server, "brief:a")).toEqual([]), {
      interval: 50,
      timeout: PATIENCE_MS,
    });
    expect(performance.now() - secondMs).toBeGreaterThan(3900);
    expect(await readHistory(server, "brief:a")).toEqual({ publications: [], epoch, offset: 2 });
    expect(await publish("brief:a", 3)).toEqual({ result: { offset: 3, epoch } });
  });

  it("core 59: after history_meta_ttl without use the stream begins anew", async () => {
    await publishNumbers(server, "forgetful:a", 1, 2);
    const { epoch } = await readHistory(server, "forgetful:a");
    await sleep(2100);
    await publish("forgetful:a", 3);
    const after = await readHistory(server, "forgetful:a");
    expect(after).toMatchObject({ offset: 1, publications: [{ data: 3, offset: 1 }] });
    expect(after.epoch).toMatch(EPOCH);
    expect(after.epoch).not.toBe(epoch);
  });

  it("core 59: reading keeps a position alive", async () => {
    await publishNumbers(server, "forgetful:b", 1, 2);
    const { epoch } = await readHistory(server, "forgetful:b");
    for (let count = 0; count < 5; count++) {
      await sleep(500);
      expect(await readHistory(server, "forgetful:b")).toMatchObject({ epoch, offset: 2 });
    }
  });
});

describe("history in the configuration", () => {
  it.each([
    ["core 60: history_size without history_ttl", { history_size: 1 }, "history_size"],
    ["core 60: history_ttl without history_size", { history_ttl: "60s" }, "history_size"],
    [
      "core §5: history_meta_ttl below history_ttl",
      { history_size: 1, history_ttl: "60s", history_meta_ttl: "59s" },
      "history_meta_ttl",
    ],
    [
      "core §5: history_ttl above channel.history_meta_ttl",
      { history_size: 1, history_ttl: "721h" },
      "history_ttl",
    ],
    ["core §5: force_recovery without history", { force_recovery: true }, "force_recovery"],
    [
      "core 74: auto_cache_recover in stream mode",
      { ...THREE, force_recovery: true, auto_cache_recover: true },
      "auto_cache_recover",
    ],
    [
      "core 92 (deviation in words: it asks for a unit): a number as history_ttl",
      { history_size: 1, history_ttl: 60 },
      "history_ttl",
    ],
  ])("%s does not pass checkconfig", async (_what, options, named) => {
    using bench = new CliBench();
    bench.write("config.json", JSON.stringify({ channel: { without_namespace: options } }));
    const { status, stdout, stderr } = await bench.run("checkconfig");
    expect([status, stdout]).toEqual([1, ""]);
    expect(stderr).toContain(`error: validating config: channel.without_namespace.${named}: `);
    bench.write("config.json", JSON.stringify({ channel: { namespaces: [{ name: "ns", ...options }] } }));
    expect((await bench.run("serve")).status).toBe(1);
  });

  it("history_ttl above channel.history_meta_ttl: the answer names both, and the way out", async () => {
    using bench = new CliBench();
    const namespaces = [
      { name: "long", history_size: 1, history_ttl: "2h" },
      { name: "own", history_size: 1, history_ttl: "2h", history_meta_ttl: "2h" },
      { name: "none" },
    ];
    bench.write("config.json", JSON.stringify({ channel: { history_meta_ttl: "1h", namespaces } }));
    expect((await bench.run("checkconfig")).stderr).toContain(
      "error: validating config: channel.namespaces[0].history_ttl: must be at most " +
        "`channel.history_meta_ttl` (1h0m0s); give these channels a `history_meta_ttl` of their own, or " +
        "lengthen that of all",
    );
  });

  it("no time at all is no history_meta_ttl", async () => {
    using bench = new CliBench();
    bench.write("config.json", JSON.stringify({ channel: { history_meta_ttl: "0s" } }));
    expect((await bench.run("checkconfig")).stderr).toContain(
      "channel.history_meta_ttl: must be longer than 0",
    );
  });
});
