import { type Duplex, duplexPair } from "node:stream";
import { describe, expect, it, vi } from "vitest";
import { LinkClosed, LinkTimeout, MessageLink } from "../../../../src/lib/link/message-link.ts";
import { FakeClock } from "../../../support/fake-clock.ts";
import { PATIENCE_MS } from "../../../support/signal.ts";

/** What the far side answers. */
interface Far {
  add(a: number, b: number): number;
  later(text: string): Promise<string>;
  fail(message: string): never;
  unspeakable(): unknown;
  note(text: string): void;
}

interface Near {
  greet(): string;
}

interface Ends {
  readonly near: MessageLink<Near, Far>;
  readonly far: MessageLink<Far, Near>;
  readonly streams: readonly [Duplex, Duplex];
  readonly noted: string[];
  readonly errors: unknown[];
  /** Who was told of the end, and of which. */
  readonly closed: string[];
  readonly answerLater: () => void;
}

/** Each side has a clock of its own: time stands still for one that hangs. */
interface Clocks {
  readonly near: FakeClock;
  readonly far: FakeClock;
}

function join(
  limits: { readonly maxBufferedBytes?: number } = {},
  clocks: Clocks = { near: new FakeClock(), far: new FakeClock() },
): Ends {
  const streams = duplexPair();
  const [noted, errors, closed]: [string[], unknown[], string[]] = [[], [], []];
  const later = Promise.withResolvers<void>();
  const shared = {
    encodeError: (error: unknown) => Buffer.from(error instanceof Error ? error.message : "?"),
    decodeError: (bytes: Uint8Array) => new Error(`far: ${Buffer.from(bytes).toString()}`),
    onError: (error: unknown) => errors.push(error),
    limits: { maxBufferedBytes: Infinity, silenceTimeoutMs: 6000, callTimeoutMs: 10_000, ...limits },
  };
  const near = new MessageLink<Near, Far>(streams[0], {
    ...shared,
    calls: { greet: () => "hello" },
    clock: clocks.near,
    onClose: (reason) => closed.push(`near ${reason}`),
  });
  const calls: Far = {
    add: (a, b) => a + b,
    later: async (text) => {
      await later.promise;
      return text;
    },
    fail: (message) => {
      throw new Error(message);
    },
    unspeakable: () => () => "a function",
    note: (text) => noted.push(text),
  };
  const far = new MessageLink<Far, Near>(streams[1], {
    ...shared,
    calls,
    clock: clocks.far,
    onClose: (reason) => closed.push(`far ${reason}`),
  });
  return { near, far, streams, noted, errors, closed, answerLater: later.resolve };
}

describe("calls", () => {
  it("are answered in both directions, whichever answer comes first", async () => {
    const { near, far, answerLater } = join();
    const slow = near.call("later", "ü");
    expect(await near.call("add", 1, 2)).toBe(3);
    expect(await far.call("greet")).toBe("hello");
    answerLater();
    expect(await slow).toBe("ü");
  });

  it("reject with the error of the other side", async () => {
    const { near } = join();
    await expect(near.call("fail", "no")).rejects.toThrow("far: no");
    await expect(near.call("unspeakable")).rejects.toThrow(/far: .*could not be cloned/u);
    expect(await near.call("add", 2, 2)).toBe(4);
  });

  it("what cannot be sent is an error here, and nothing is left of the call", async () => {
    const { near } = join();
    // @ts-expect-error it takes numbers
    await expect(near.call("add", () => 1, 2)).rejects.toThrow(/could not be cloned/u);
    expect(await near.call("add", 2, 2)).toBe(4);
  });

  it("what is known at once is answered before what comes next", async () => {
    const { near, noted } = join();
    const order: string[] = [];
    const asked = [near.call("add", 1, 1), near.call("later", ""), near.call("add", 2, 2)];
    near.notify("note", "after");
    void asked[0]?.then(() => order.push("first"));
    await asked[2];
    order.push("third");
    expect([order, noted]).toEqual([["first", "third"], ["after"]]);
    asked[1]?.catch(() => undefined);
  });
});

describe("notifications", () => {
  it("arrive in order, and between the calls around them", async () => {
    const { near, noted } = join();
    near.notify("note", "1");
    const sum = near.call("add", 1, 1);
    near.notify("note", "2");
    await sum;
    near.notify("note", "3");
    await near.call("add", 1, 1);
    expect(noted).toEqual(["1", "2", "3"]);
  });

  it("that fail are told to nobody but the log of the other side", async () => {
    const { near, errors } = join();
    near.notify("fail", "no");
    await near.call("add", 1, 1);
    expect(errors).toEqual([new Error("no")]);
  });

  it("of one turn are one write", async () => {
    const { near, streams } = join();
    const [writable] = streams;
    const writes = vi.spyOn(writable, "uncork");
    for (let count = 0; count < 50; count++) near.notify("note", `${count}`);
    await near.call("add", 1, 1);
    expect(writes).toHaveBeenCalledTimes(1);
  });
});

describe("the end", () => {
  it("rejects what has not been answered, and is told once to each side", async () => {
    const { near, far, streams, closed } = join();
    const asked = near.call("later", "");
    streams[1].destroy();
    await expect(asked).rejects.toBeInstanceOf(LinkClosed);
    await expect(near.call("add", 1, 1)).rejects.toBeInstanceOf(LinkClosed);
    await expect(far.call("greet")).rejects.toBeInstanceOf(LinkClosed);
    near.notify("note", "nobody hears it");
    await vi.waitFor(() => expect(closed.toSorted()).toEqual(["far ended", "near ended"]), PATIENCE_MS);
  });

  it("comes for a peer that does not read", async () => {
    const { near, streams, closed } = join({ maxBufferedBytes: 100_000 });
    streams[1].pause();
    const payload = "x".repeat(30_000);
    for (let count = 0; count < 3; count++) near.notify("note", payload);
    expect(streams[0].destroyed).toBe(false);
    for (let count = 0; count < 10; count++) near.notify("note", payload);
    expect(streams[0].destroyed).toBe(true);
    await vi.waitFor(() => expect(closed).toContain("near unread"), PATIENCE_MS);
  });
});

describe("a peer that hangs", () => {
  /** Seconds pass, and what was sent in them arrives. */
  async function pass(seconds: number, ...clocks: readonly FakeClock[]): Promise<void> {
    for (let second = 0; second < seconds; second++) {
      for (const clock of clocks) clock.advance(1000);
      await new Promise(setImmediate);
    }
  }

  function clocksApart(): Clocks {
    return { near: new FakeClock(), far: new FakeClock() };
  }

  it("is given up after some seconds, and with it whatever it was asked", async () => {
    const clocks = clocksApart();
    const { near, closed } = join({}, clocks);
    await pass(60, clocks.near, clocks.far);
    const asked = near.call("later", "").catch((error: unknown) => error);
    await pass(6, clocks.near);
    expect(closed).toEqual([]);
    await pass(1, clocks.near);
    expect(closed).toContain("near silent");
    expect(await asked).toBeInstanceOf(LinkClosed);
    expect(clocks.near.isTicking).toBe(false);
  });

  it("a stall of a few seconds is none, from either side", async () => {
    const clocks = clocksApart();
    const { closed } = join({}, clocks);
    await pass(2, clocks.near, clocks.far);
    for (const stalled of [clocks.near, clocks.far]) {
      const other = stalled === clocks.near ? clocks.far : clocks.near;
      await pass(5, other);
      await pass(2, clocks.near, clocks.far);
      await pass(5, other);
      await pass(2, clocks.near, clocks.far);
    }
    expect(closed).toEqual([]);
  });

  it("one that is starting has longer", async () => {
    const clocks = clocksApart();
    const { closed } = join({}, clocks);
    await pass(60, clocks.near);
    expect(closed).toEqual([]);
    await pass(1, clocks.near);
    expect(closed).toContain("near silent");
  });

  it("lives, but does not answer: the call ends in time, and an answer after that is nobody's", async () => {
    const clocks = clocksApart();
    const { near, closed, answerLater } = join({}, clocks);
    const [asked, lasting] = [near.call("later", "1"), near.callWithin(Infinity, "later", "2")];
    const failed = asked.catch((error: unknown) => error);
    await pass(11, clocks.near, clocks.far);
    expect(await failed).toBeInstanceOf(LinkTimeout);
    answerLater();
    expect(await lasting).toBe("2");
    expect(await near.call("add", 1, 1)).toBe(2);
    expect(closed).toEqual([]);
  });
});
