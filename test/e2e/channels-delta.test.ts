import { applyDelta } from "fossil-delta";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { API_CONFIG, callApi, readHistory } from "../support/api-client.ts";
import { GrpcPushStream } from "../support/grpc-push-stream.ts";
import { openHttpStream, openSse, type PushJson } from "../support/push-stream.ts";
import { type ConfigInput, OPEN, type RunningServer, runServer } from "../support/running-server.ts";
import { openWebSocket } from "../support/web-socket-client.ts";

const FOSSIL = {
  allow_subscribe_for_client: true,
  allow_subscribe_for_anonymous: true,
  history_size: 100,
  history_ttl: "60s",
  allowed_delta_types: ["fossil"],
};
const CONFIG: ConfigInput = {
  ...OPEN,
  http_api: API_CONFIG,
  uni_grpc: { enabled: true, address: "127.0.0.1", port: 0 },
  channel: {
    without_namespace: { ...FOSSIL, delta_publish: true, force_positioning: true },
    namespaces: [
      { name: "asked", ...FOSSIL, force_positioning: true },
      { name: "unpositioned", ...FOSSIL, delta_publish: true },
      {
        name: "bytes",
        ...FOSSIL,
        delta_publish: true,
        force_positioning: true,
        publication_data_format: "binary",
      },
      { name: "kept", ...FOSSIL, delta_publish: true, force_recovery: true },
      { name: "cache", ...FOSSIL, delta_publish: true, force_recovery: true, force_recovery_mode: "cache" },
      { name: "plain", ...FOSSIL, delta_publish: true, allowed_delta_types: [] },
    ],
  },
};

let server: RunningServer;
beforeAll(async () => {
  server = await runServer(CONFIG);
});
afterAll(() => server[Symbol.asyncDispose]());

/** A publication as the tests look at it. */
interface PublicationJson {
  readonly data: unknown;
  readonly delta?: boolean;
}

/** What a client does that asked for differences: it keeps the latest payload as text. */
class Payload {
  #base = "";
  /** How many came as differences. */
  patches = 0;

  take({ data, delta }: PublicationJson): unknown {
    if (typeof data !== "string") throw new Error(`payload is no string: ${JSON.stringify(data)}`);
    if (delta === true) {
      this.patches += 1;
      this.#base = Buffer.from(applyDelta(Buffer.from(this.#base), Buffer.from(data))).toString();
    } else {
      this.#base = data;
    }
    return JSON.parse(this.#base);
  }
}

/** A large payload that differs little from the others. */
function large(number: number): object {
  return { number, text: "Wörter 😀 ".repeat(50) };
}

/** Large payloads whose difference may begin or end within a character. */
function umlauts(number: number): object {
  return { ...large(number), last: number % 3 === 0 ? "ü" : "é😀" };
}

function publicationOf(push: PushJson): PublicationJson {
  if (push.pub === undefined) throw new Error(`no publication: ${JSON.stringify(push)}`);
  return push.pub;
}

function asking(channel: string, more: object = {}): unknown {
  return { subs: { [channel]: { delta: "fossil", ...more } } };
}

describe("fossil delta", () => {
  it("core 85, uni 88: payloads are strings, the second one a difference", async () => {
    await using stream = await openHttpStream(server, asking("a"));
    const { epoch } = await readHistory(server, "a");
    expect((await stream.next()).connect?.subs).toEqual({ a: { positioned: true, epoch, delta: true } });
    await server.publish("a", large(1));
    await server.publish("a", large(2));
    expect(await stream.next()).toEqual({
      channel: "a",
      pub: { data: JSON.stringify(large(1)), offset: 1 },
    });
    const second = await stream.nextText();
    expect(JSON.parse(second)).toEqual({
      channel: "a",
      pub: { data: expect.any(String), offset: 2, delta: true },
    });
    expect(second.length).toBeLessThan(150);
  });

  it.each([
    ["HTTP streaming", openHttpStream],
    ["SSE", openSse],
    ["WebSocket", openWebSocket],
  ] as const)("uni 88: over %s every payload can be put together", async (name, open) => {
    const channel = `each-${name.replace(" ", "")}`;
    await using resources = new AsyncDisposableStack();
    const client = resources.use(await open(server, asking(channel)));
    await client.next();
    const payload = new Payload();
    // A patch may not cut a character in two; where it would, the payload is whole.
    const values = [...Array.from({ length: 20 }, (_, at) => umlauts(at)), 1, "ü", null, large(1), large(2)];
    for (const value of values) {
      await server.publish(channel, value);
      expect(payload.take(publicationOf(await client.next()))).toEqual(value);
    }
    expect(payload.patches).toBeGreaterThan(5);
    expect(payload.patches).toBeLessThan(values.length - 2);
  });

  it("uni 88: only for those who ask, where it is allowed", async () => {
    await using asks = await openHttpStream(server, asking("b"));
    await using does = await openHttpStream(server, { subs: { b: {} } });
    await using other = await openHttpStream(server, { subs: { b: { delta: "other" } } });
    await using refused = await openHttpStream(server, asking("plain:b"));
    using grpc = new GrpcPushStream(`127.0.0.1:${server.addresses.uniGrpc?.port}`, {
      subs: { b: { delta: "fossil" } as object },
    });
    expect((await asks.next()).connect?.subs?.["b"]).toHaveProperty("delta", true);
    for (const stream of [does, other, refused]) {
      expect(JSON.stringify((await stream.next()).connect?.subs)).not.toContain("delta");
    }
    await grpc.next();
    for (const number of [1, 2]) {
      await server.publish("b", large(number));
      await server.publish("plain:b", large(number));
      for (const stream of [does, other, refused]) {
        const { data, delta } = publicationOf(await stream.next());
        expect([data, delta]).toEqual([large(number), undefined]);
      }
      expect(JSON.parse(Buffer.from((await grpc.next()).pub?.data ?? []).toString())).toEqual(large(number));
    }
  });

  it("api §2.4: without delta_publish the publisher asks for it, publication by publication", async () => {
    await using stream = await openHttpStream(server, asking("asked:a"));
    await stream.next();
    const payload = new Payload();
    const came: (boolean | undefined)[] = [];
    for (const [number, delta] of [true, true, false, true].entries()) {
      await callApi(server, "publish", { channel: "asked:a", data: large(number), delta });
      const publication = publicationOf(await stream.next());
      expect(payload.take(publication)).toEqual(large(number));
      came.push(publication.delta);
    }
    expect(came).toEqual([undefined, true, undefined, true]);
  });

  it("what goes past the stream is no base for what follows", async () => {
    await using stream = await openHttpStream(server, asking("skip"));
    await stream.next();
    const payload = new Payload();
    for (const [number, skip_history] of [false, false, true, false, false].entries()) {
      const data = skip_history ? { past: number } : large(number);
      await callApi(server, "publish", { channel: "skip", data, skip_history });
      expect(payload.take(publicationOf(await stream.next()))).toEqual(data);
    }
    expect(payload.patches).toBe(2);
  });

  it("without positions every publication is whole, for nobody would notice that one is missing", async () => {
    await using stream = await openHttpStream(server, asking("unpositioned:a"));
    expect((await stream.next()).connect?.subs).toEqual({ "unpositioned:a": { delta: true } });
    for (const number of [1, 2, 3]) {
      await server.publish("unpositioned:a", large(number));
      const pub = { data: JSON.stringify(large(number)), offset: number };
      expect(await stream.next()).toEqual({ channel: "unpositioned:a", pub });
    }
  });

  it("publications have neither epoch nor version", async () => {
    await using stream = await openHttpStream(server, asking("versions"));
    await stream.next();
    for (const version of [5, 6]) {
      await callApi(server, "publish", { channel: "versions", data: large(version), version });
    }
    const pubs = [await stream.next(), await stream.next()].map(({ pub }) => pub);
    expect(pubs).toEqual([
      { data: JSON.stringify(large(5)), offset: 1 },
      { data: expect.any(String), offset: 2, delta: true },
    ]);
  });

  it("an empty payload is an empty string, and what follows is whole", async () => {
    await using stream = await openHttpStream(server, asking("bytes:a"));
    await stream.next();
    await server.publish("bytes:a", large(1));
    await callApi(server, "publish", { channel: "bytes:a" });
    await server.publish("bytes:a", large(2));
    expect(publicationOf(await stream.next()).data).toBe(JSON.stringify(large(1)));
    expect(await stream.nextText()).toBe('{"channel":"bytes:a","pub":{"data":"","offset":2}}');
    expect(publicationOf(await stream.next())).toEqual({ data: JSON.stringify(large(2)), offset: 3 });
  });

  it("a binary payload ends the stream, as it does without differences", async () => {
    await using stream = await openHttpStream(server, asking("binary"));
    await stream.next();
    await server.publish("binary", large(1));
    await stream.next();
    await server.publish("binary", Buffer.of(0xff, 0));
    expect((await stream.next()).disconnect?.code).toBe(3506);
  });
});

describe("fossil delta and recovery", () => {
  async function publishAll(channel: string, ...numbers: number[]): Promise<void> {
    for (const number of numbers) await server.publish(channel, large(number));
  }

  /** What was recovered of a channel, as its client gets it. */
  function recoveredOf({ connect }: PushJson, channel: string): readonly PublicationJson[] {
    const sub = connect?.subs?.[channel] as
      { readonly publications?: readonly PublicationJson[] } | undefined;
    return sub?.publications ?? [];
  }

  it("core §3.6: of recovered publications the first is whole, and what follows differs from the one before", async () => {
    await publishAll("kept:a", 1, 2, 3);
    await using stream = await openHttpStream(server, asking("kept:a", { recover: true, offset: 0 }));
    const connected = await stream.next();
    expect(connected.connect?.subs?.["kept:a"]).toMatchObject({ recovered: true, delta: true });
    const publications = recoveredOf(connected, "kept:a");
    expect(publications).toEqual([
      { data: JSON.stringify(large(1)), offset: 1 },
      { data: expect.any(String), offset: 2, delta: true },
      { data: expect.any(String), offset: 3, delta: true },
    ]);
    const payload = new Payload();
    const seen = publications.map((publication) => payload.take(publication));
    await publishAll("kept:a", 4);
    seen.push(payload.take(publicationOf(await stream.next())));
    expect(seen).toEqual([1, 2, 3, 4].map(large));
    expect(payload.patches).toBe(3);
  });

  it("core §3.6: recovered publications are put together whatever they are", async () => {
    const values = [...Array.from({ length: 20 }, (_, at) => umlauts(at)), 1, null, large(1), large(2)];
    for (const value of values) await server.publish("kept:mixed", value);
    await using stream = await openHttpStream(server, asking("kept:mixed", { recover: true }));
    const payload = new Payload();
    const publications = recoveredOf(await stream.next(), "kept:mixed");
    expect(publications.map((publication) => payload.take(publication))).toEqual(values);
    expect(payload.patches).toBeGreaterThan(5);
    expect(payload.patches).toBeLessThan(values.length - 2);
  });

  it("core §3.6: without recovery the first publication is whole", async () => {
    await publishAll("kept:b", 1);
    await using fresh = await openHttpStream(server, asking("kept:b"));
    await using lost = await openHttpStream(server, asking("kept:b", { recover: true, offset: 9 }));
    await Promise.all([fresh.next(), lost.next()]);
    await publishAll("kept:b", 2, 3);
    for (const stream of [fresh, lost]) {
      const [second, third] = [await stream.next(), await stream.next()].map(publicationOf);
      expect([second?.data, second?.delta]).toEqual([JSON.stringify(large(2)), undefined]);
      expect(third?.delta).toBe(true);
    }
  });

  it("core §3.6 (deviation: whole after any recovery of nothing): a client at the top may have no payload", async () => {
    await publishAll("kept:c", 1);
    await using first = await openHttpStream(server, asking("kept:c"));
    // It is told where it stands, and has seen no publication.
    expect((await first.next()).connect?.subs?.["kept:c"]).toMatchObject({ offset: 1 });
    await using second = await openHttpStream(server, asking("kept:c", { recover: true, offset: 1 }));
    expect((await second.next()).connect?.subs?.["kept:c"]).toMatchObject({ recovered: true, offset: 1 });
    await publishAll("kept:c", 2);
    expect(new Payload().take(publicationOf(await second.next()))).toEqual(large(2));
  });

  it("cache mode: what follows differs from the publication that was kept", async () => {
    await publishAll("cache:a", 1, 2);
    await using stream = await openHttpStream(server, asking("cache:a", { recover: true }));
    const payload = new Payload();
    const publications = recoveredOf(await stream.next(), "cache:a");
    expect(publications.map((publication) => payload.take(publication))).toEqual([large(2)]);
    await publishAll("cache:a", 3);
    expect(payload.take(publicationOf(await stream.next()))).toEqual(large(3));
    expect(payload.patches).toBe(1);
  });

  it("native resume of SSE: what was missed comes as whole strings, too", async () => {
    const request = asking("kept:d");
    await using first = await openSse(server, request);
    await first.next();
    await publishAll("kept:d", 1);
    const payload = new Payload();
    expect(payload.take(publicationOf(await first.next()))).toEqual(large(1));
    await first[Symbol.asyncDispose]();
    await publishAll("kept:d", 2, 3);
    await using second = await openSse(server, request, { "Last-Event-ID": first.lastEventId ?? "" });
    await second.next();
    await publishAll("kept:d", 4);
    for (const number of [2, 3, 4]) {
      expect(payload.take(publicationOf(await second.next()))).toEqual(large(number));
    }
    expect(payload.patches).toBe(1);
  });
});
