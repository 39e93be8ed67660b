import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { API_CONFIG, askApi, publishNumbers, readHistory } from "../support/api-client.ts";
import { firstPush } from "../support/connect-outcome.ts";
import { GrpcPushStream } from "../support/grpc-push-stream.ts";
import { openHttpStream, openSse, type PushJson } from "../support/push-stream.ts";
import { type ConfigInput, OPEN, type RunningServer, runServer } from "../support/running-server.ts";
import { openWebSocket } from "../support/web-socket-client.ts";
import { hmacToken } from "../unit/auth/tokens.ts";

const FOR_ALL = { allow_subscribe_for_client: true, allow_subscribe_for_anonymous: true };
const HISTORY = { ...FOR_ALL, history_size: 10, history_ttl: "60s" };
const CACHE = { ...HISTORY, force_recovery: true, force_recovery_mode: "cache" } as const;
const CONFIG: ConfigInput = {
  ...OPEN,
  http_api: API_CONFIG,
  uni_grpc: { enabled: true, address: "127.0.0.1", port: 0 },
  channel: {
    without_namespace: { ...HISTORY, force_recovery: true },
    namespaces: [
      { name: "plain", ...HISTORY },
      { name: "big", ...HISTORY, history_size: 1000, force_recovery: true },
      { name: "positioned", ...HISTORY, force_positioning: true },
      { name: "live", ...FOR_ALL, force_positioning: true },
      { name: "cache", ...CACHE },
      { name: "auto", ...CACHE, auto_cache_recover: true },
    ],
  },
};

let server: RunningServer;
beforeAll(async () => {
  server = await runServer(CONFIG);
});
afterAll(() => server[Symbol.asyncDispose]());

/** What a client asks of the channel it comes back to. */
interface Since {
  readonly offset?: number;
  readonly epoch?: string;
}

/** A connect request that asks for what was missed. */
function recovering(channel: string, since: Since = {}): unknown {
  return { subs: { [channel]: { recover: true, ...since } } };
}

/** How a subscription began, as JSON in the order of the server. */
function entryOf(push: PushJson, channel: string): string {
  return JSON.stringify(push.connect?.subs?.[channel]);
}

/** How the subscription of a client begins that asks for what it missed. */
async function recover(channel: string, since: Since = {}): Promise<string> {
  return entryOf(await firstPush(server, recovering(channel, since)), channel);
}

/** Publishes the numbers up to `last`, and resolves to the epoch they are in. */
async function fill(channel: string, last: number): Promise<string> {
  await publishNumbers(server, channel, 1, last);
  return (await readHistory(server, channel, {})).epoch;
}

describe("stream recovery", () => {
  it("core 66, uni 64: what was missed is in the connect push, from the offset that was asked for", async () => {
    const epoch = await fill("a", 5);
    expect(await recover("a", { offset: 2, epoch })).toBe(
      `{"recoverable":true,"epoch":"${epoch}","publications":[{"data":3,"offset":3},{"data":4,"offset":4},` +
        `{"data":5,"offset":5}],"recovered":true,"offset":2,"positioned":true,"was_recovering":true}`,
    );
  });

  it.each([
    ["SSE", openSse],
    ["WebSocket", openWebSocket],
    ["HTTP streaming", openHttpStream],
  ] as const)("core 66, uni 64: over %s, and what is published then follows", async (name, open) => {
    const channel = `each-${name.replace(" ", "")}`;
    const epoch = await fill(channel, 2);
    await using resources = new AsyncDisposableStack();
    const client = resources.use(await open(server, recovering(channel, { offset: 0, epoch })));
    expect((await client.next()).connect?.subs?.[channel]).toEqual({
      recoverable: true,
      epoch,
      // The copy of the first one has the epoch, like the live one.
      publications: [
        { data: 1, offset: 1, epoch },
        { data: 2, offset: 2 },
      ],
      recovered: true,
      positioned: true,
      was_recovering: true,
    });
    await publishNumbers(server, channel, 3, 3);
    expect(await client.next()).toEqual({ channel, pub: { data: 3, offset: 3 } });
  });

  it("core 66, uni 64: over gRPC", async () => {
    const epoch = await fill("grpc", 3);
    const subs = { grpc: { recover: true, offset: 1n, epoch } };
    using client = new GrpcPushStream(`127.0.0.1:${server.addresses.uniGrpc?.port}`, { subs });
    const sub = (await client.next()).connect?.subs["grpc"];
    expect(sub).toMatchObject({ recovered: true, wasRecovering: true, positioned: true, offset: 1n, epoch });
    expect(sub?.publications.map(({ data, offset }) => [Buffer.from(data).toString(), offset])).toEqual([
      ["2", 2n],
      ["3", 3n],
    ]);
    await publishNumbers(server, "grpc", 4, 4);
    expect((await client.next()).pub?.offset).toBe(4n);
  });

  it("core 67, uni 65: who has missed nothing is recovered, without publications", async () => {
    const epoch = await fill("top", 5);
    const entry = `{"recoverable":true,"epoch":"${epoch}","recovered":true,"offset":5,"positioned":true,"was_recovering":true}`;
    expect(await recover("top", { offset: 5, epoch })).toBe(entry);
    expect(await recover("top", { offset: 5 })).toBe(entry);
  });

  it.each([
    ["trimmed", 1, (epoch: string) => ({ offset: 1, epoch })],
    ["another epoch", 2, () => ({ offset: 10, epoch: "zzzzzzzz" })],
    ["another epoch at the top", 3, () => ({ offset: 12, epoch: "zzzzzzzz" })],
    ["an offset above the top", 4, (epoch: string) => ({ offset: 13, epoch })],
    ["an offset above everything", 5, (epoch: string) => ({ offset: Number.MAX_SAFE_INTEGER, epoch })],
  ])(
    "core 68, uni 66: %s: not recovered, nothing sent, and the connection goes on",
    async (_why, at, since) => {
      const channel = `gap-${at}`;
      const epoch = await fill(channel, 12);
      await using stream = await openHttpStream(server, recovering(channel, since(epoch)));
      expect(entryOf(await stream.next(), channel)).toBe(
        `{"recoverable":true,"epoch":"${epoch}","offset":12,"positioned":true,"was_recovering":true}`,
      );
      await publishNumbers(server, channel, 13, 13);
      expect(await stream.next()).toEqual({ channel, pub: { data: 13, offset: 13 } });
    },
  );

  it("core 68: history that was removed is a gap, too", async () => {
    const epoch = await fill("removed", 3);
    await askApi(server, "history_remove", { channel: "removed" });
    expect(await recover("removed", { offset: 2, epoch })).toBe(
      `{"recoverable":true,"epoch":"${epoch}","offset":3,"positioned":true,"was_recovering":true}`,
    );
    expect(await recover("removed", { offset: 3, epoch })).toContain('"recovered":true');
  });

  it("core 69, uni 67: 301 missed publications are not recovered, 300 are", async () => {
    const epoch = await fill("big:a", 301);
    const refused = `{"recoverable":true,"epoch":"${epoch}","offset":301,"positioned":true,"was_recovering":true}`;
    expect(await recover("big:a", { offset: 0, epoch })).toBe(refused);
    const { connect } = await firstPush(server, recovering("big:a", { offset: 1, epoch }));
    expect(connect?.subs?.["big:a"]).toMatchObject({
      recovered: true,
      publications: Array.from({ length: 300 }, (_, at) => ({ data: at + 2, offset: at + 2 })),
    });
  });

  it("core 69: recovery_max_publication_limit sets another limit, a negative one none", async () => {
    for (const [limit, expected] of [
      [2, [false, true]],
      [-1, [true, true]],
    ] as const) {
      const client = { ...OPEN.client, recovery_max_publication_limit: limit };
      await using limited = await runServer({ ...CONFIG, client });
      await publishNumbers(limited, "a", 1, 3);
      const outcomes: boolean[] = [];
      for (const offset of [0, 1]) {
        const push = await firstPush(limited, recovering("a", { offset }));
        outcomes.push(entryOf(push, "a").includes('"recovered":true'));
      }
      expect(outcomes).toEqual(expected);
    }
  });

  it("core 70, uni 68: where nothing can be recovered, the answer says that it was asked for", async () => {
    await fill("plain:a", 2);
    expect(await recover("plain:a", { offset: 1 })).toBe('{"was_recovering":true}');
  });

  it("uni 69: without a position everything is missed; the offset of the answer is 0, hence left out", async () => {
    const epoch = await fill("whole", 2);
    expect(await recover("whole")).toBe(
      `{"recoverable":true,"epoch":"${epoch}","publications":[{"data":1,"offset":1,"epoch":"${epoch}"},` +
        '{"data":2,"offset":2}],"recovered":true,"positioned":true,"was_recovering":true}',
    );
  });

  it("core 35, uni 51: a token may make a channel recoverable by override", async () => {
    const epoch = await fill("plain:o", 3);
    const subs = { "plain:o": { override: { force_recovery: { value: true } } } };
    const token = hmacToken({ sub: "u", subs });
    const fresh = await firstPush(server, { token });
    expect(entryOf(fresh, "plain:o")).toBe(
      `{"recoverable":true,"epoch":"${epoch}","offset":3,"positioned":true}`,
    );
    const back = await firstPush(server, { token, subs: { "plain:o": { recover: true, offset: 2, epoch } } });
    expect(back.connect?.subs?.["plain:o"]).toMatchObject({ recovered: true, publications: [{ data: 3 }] });
  });

  it("uni §3.2: a position may also be given for the channels of the token and the user's own", async () => {
    const client = { subscribe_to_user_personal_channel: { enabled: true } };
    await using personal = await runServer({ ...CONFIG, client });
    for (const channel of ["#42", "t"]) await publishNumbers(personal, channel, 1, 2);
    const request = {
      token: hmacToken({ sub: "42", channels: ["t"] }),
      subs: { "#42": { recover: true, offset: 1 }, t: { recover: true, offset: 1 } },
    };
    const { connect } = await firstPush(personal, request);
    for (const channel of ["#42", "t"]) {
      expect(connect?.subs?.[channel]).toMatchObject({ recovered: true, publications: [{ data: 2 }] });
    }
  });

  it("core §3.4 (deviation: what comes while recovering follows the connect push): everything, once, in order", async () => {
    const last = 250;
    await publishNumbers(server, "big:race", 1, 50);
    const publishing = (async () => {
      for (let number = 51; number <= last; number++) {
        await server.publish("big:race", number);
        await new Promise(setImmediate);
      }
    })();
    const follow = async (open: typeof openSse): Promise<number[]> => {
      await using stream = await open(server, recovering("big:race", { offset: 10 }));
      const { connect } = await stream.next();
      const sub = connect?.subs?.["big:race"] as {
        readonly publications: readonly { readonly data: number }[];
      };
      const seen = sub.publications.map(({ data }) => data);
      while (seen.at(-1) !== last) seen.push(Number((await stream.next()).pub?.data));
      return seen;
    };
    const following: Promise<number[]>[] = [];
    for (let count = 0; count < 20; count++) {
      following.push(follow(openHttpStream), follow(openSse));
      await new Promise(setImmediate);
    }
    await publishing;
    const all = Array.from({ length: last - 10 }, (_, at) => at + 11);
    for (const seen of await Promise.all(following)) expect(seen).toEqual(all);
  });
});

describe("cache recovery", () => {
  it("core 72: without a position the newest publication comes, and no offset", async () => {
    const epoch = await fill("cache:a", 3);
    expect(await recover("cache:a")).toBe(
      `{"recoverable":true,"epoch":"${epoch}","publications":[{"data":3,"offset":3}],"recovered":true,` +
        '"positioned":true,"was_recovering":true}',
    );
  });

  it("uni 70: who is behind gets the newest one, who is up to date none", async () => {
    const epoch = await fill("cache:b", 3);
    expect(await recover("cache:b", { offset: 1, epoch })).toBe(
      `{"recoverable":true,"epoch":"${epoch}","publications":[{"data":3,"offset":3}],"recovered":true,` +
        '"offset":1,"positioned":true,"was_recovering":true}',
    );
    expect(await recover("cache:b", { offset: 3, epoch })).toBe(
      `{"recoverable":true,"epoch":"${epoch}","recovered":true,"offset":3,"positioned":true,"was_recovering":true}`,
    );
  });

  it("uni 70: another epoch, and a gap, do not keep the newest one back", async () => {
    await fill("cache:c", 12);
    for (const since of [
      { offset: 12, epoch: "zzzzzzzz" },
      { offset: 1, epoch: "" },
      { offset: 12, epoch: "" },
    ]) {
      expect(await recover("cache:c", since)).toContain(
        '"publications":[{"data":12,"offset":12}],"recovered":true',
      );
    }
  });

  it("core §3.4: with nothing kept a client is not recovered, unless it is up to date", async () => {
    const epoch = await fill("cache:d", 2);
    await askApi(server, "history_remove", { channel: "cache:d" });
    expect(await recover("cache:d", { offset: 1, epoch })).toBe(
      `{"recoverable":true,"epoch":"${epoch}","offset":2,"positioned":true,"was_recovering":true}`,
    );
    expect(await recover("cache:d", { offset: 2, epoch })).toContain('"recovered":true');
    expect(await recover("cache:never")).not.toContain('"recovered"');
  });

  it("core 73, uni 71: auto_cache_recover gives the newest publication unasked, also for a token's channel", async () => {
    const epoch = await fill("auto:a", 3);
    const entry =
      `{"recoverable":true,"epoch":"${epoch}","publications":[{"data":3,"offset":3}],"recovered":true,` +
      '"positioned":true,"was_recovering":true}';
    const token = hmacToken({ sub: "u", channels: ["auto:a"] });
    await using stream = await openHttpStream(server, { token });
    expect(entryOf(await stream.next(), "auto:a")).toBe(entry);
    expect(entryOf(await firstPush(server, { subs: { "auto:a": {} } }), "auto:a")).toBe(entry);
    await publishNumbers(server, "auto:a", 4, 4);
    expect(await stream.next()).toEqual({ channel: "auto:a", pub: { data: 4, offset: 4 } });
  });

  it("auto_cache_recover echoes an offset that comes without `recover`, and looks at it", async () => {
    const epoch = await fill("auto:b", 3);
    const entry = async (since: object): Promise<string> =>
      entryOf(await firstPush(server, { subs: { "auto:b": since } }), "auto:b");
    expect(await entry({ offset: 1, epoch })).toBe(
      `{"recoverable":true,"epoch":"${epoch}","publications":[{"data":3,"offset":3}],"recovered":true,` +
        '"offset":1,"positioned":true,"was_recovering":true}',
    );
    expect(await entry({ offset: 3, epoch })).toBe(
      `{"recoverable":true,"epoch":"${epoch}","recovered":true,"offset":3,"positioned":true,"was_recovering":true}`,
    );
  });

  it("an offset beyond every stream does not end the connection", async () => {
    const epoch = await fill("cache:e", 1);
    const subs = { "cache:e": { recover: true, offset: 2n ** 64n - 1n, epoch } };
    using client = new GrpcPushStream(`127.0.0.1:${server.addresses.uniGrpc?.port}`, { subs });
    expect((await client.next()).connect?.subs["cache:e"]).toMatchObject({ recovered: true, epoch });
  });
});

describe("positions", () => {
  it("core 75: force_positioning alone tells the position, and recovers nothing", async () => {
    const epoch = await fill("positioned:a", 4);
    const request = { subs: { "positioned:a": {} } };
    expect(entryOf(await firstPush(server, request), "positioned:a")).toBe(
      `{"epoch":"${epoch}","offset":4,"positioned":true}`,
    );
    expect(await recover("positioned:a", { offset: 2, epoch })).toBe(
      `{"epoch":"${epoch}","offset":4,"positioned":true,"was_recovering":true}`,
    );
  });

  it("core 75: also where there is no history", async () => {
    await using stream = await openHttpStream(server, { subs: { "live:a": {} } });
    expect((await stream.next()).connect?.subs?.["live:a"]).toEqual({
      epoch: expect.stringMatching(/^[A-Za-z]{8}$/u),
      positioned: true,
    });
    await server.publish("live:a", 1);
    expect(await stream.nextText()).toBe('{"channel":"live:a","pub":{"data":1}}');
  });

  it("core §3.4: without recovery a client starts at the top of the stream", async () => {
    const epoch = await fill("fresh", 3);
    await using stream = await openHttpStream(server, { subs: { fresh: {} } });
    expect(entryOf(await stream.next(), "fresh")).toBe(
      `{"recoverable":true,"epoch":"${epoch}","offset":3,"positioned":true}`,
    );
    await publishNumbers(server, "fresh", 4, 4);
    expect(await stream.next()).toEqual({ channel: "fresh", pub: { data: 4, offset: 4 } });
  });
});

describe.concurrent("uni 87: a position that is lost ends the whole connection with 3010", () => {
  const lossy = (client: ConfigInput["client"]): ConfigInput => ({
    client: { ...OPEN.client, ...client },
    channel: {
      without_namespace: {
        ...FOR_ALL,
        history_size: 5,
        history_ttl: "2s",
        history_meta_ttl: "2s",
        force_positioning: true,
      },
    },
  });
  const goodbye = { disconnect: { code: 3010, reason: "insufficient state" } };

  it("when a publication of another epoch comes", async () => {
    await using forgetful = await runServer(lossy({}));
    await forgetful.publish("a", 1);
    await using stream = await openHttpStream(forgetful, { subs: { a: {}, b: {} } });
    using webSocket = await openWebSocket(forgetful, { subs: { a: {} } });
    await stream.next();
    await webSocket.next();
    await sleep(2100);
    await forgetful.publish("a", 2);
    expect(await stream.next()).toEqual(goodbye);
    await stream.untilEnd();
    expect(await webSocket.next()).toEqual(goodbye);
    expect(await webSocket.untilClosed()).toEqual({ code: 3010, reason: "insufficient state" });
    expect(await forgetful.sessionCount()).toBe(0);
  });

  it("when a quiet subscription is compared with the stream", async () => {
    const often = { presence_update_interval: "100ms", channel_position_check_delay: "2200ms" };
    await using forgetful = await runServer(lossy(often));
    await forgetful.publish("a", 1);
    await using stream = await openHttpStream(forgetful, { subs: { a: {} } });
    await stream.next();
    expect(await stream.next()).toEqual(goodbye);
    await stream.untilEnd();
  });

  it("and not when it agrees, nor when the check is off", async () => {
    const often = { presence_update_interval: "50ms", channel_position_check_delay: "100ms" };
    await using careful = await runServer(lossy(often));
    await using careless = await runServer(lossy({ ...often, channel_position_check_delay: "0s" }));
    const streams = [];
    for (const one of [careful, careless]) {
      await one.publish("a", 1);
      streams.push(await openHttpStream(one, { subs: { a: {} } }));
    }
    for (const stream of streams) await stream.next();
    await sleep(2500);
    // Each check keeps the stream known, so that offset and epoch go on.
    await careful.publish("a", 2);
    expect(await streams[0]?.next()).toMatchObject({ pub: { data: 2, offset: 2 } });
    expect(await careless.sessionCount()).toBe(1);
    for (const stream of streams) await stream[Symbol.asyncDispose]();
  });
});
