import { type Duplex, duplexPair } from "node:stream";
import { describe, expect, it, vi } from "vitest";
import { LinkClosed, MessageLink } from "../../../../src/lib/link/message-link.ts";

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
  readonly closed: string[];
  readonly answerLater: () => void;
}

function join(maxBufferedBytes = Infinity): Ends {
  const streams = duplexPair();
  const [noted, errors, closed]: [string[], unknown[], string[]] = [[], [], []];
  const later = Promise.withResolvers<void>();
  const shared = {
    encodeError: (error: unknown) => (error instanceof Error ? error.message : "?"),
    decodeError: (wire: unknown) => new Error(`far: ${String(wire)}`),
    onError: (error: unknown) => errors.push(error),
    maxBufferedBytes,
  };
  const near = new MessageLink<Near, Far>(streams[0], {
    ...shared,
    calls: { greet: () => "hello" },
    onClose: () => closed.push("near"),
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
  const far = new MessageLink<Far, Near>(streams[1], { ...shared, calls, onClose: () => closed.push("far") });
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
    await vi.waitFor(() => expect(closed.toSorted()).toEqual(["far", "near"]));
  });

  it("comes after what has been sent", async () => {
    const { near, noted, closed } = join();
    near.notify("note", "last");
    near.close();
    near.close();
    await vi.waitFor(() => expect(closed.toSorted()).toEqual(["far", "near"]));
    expect(noted).toEqual(["last"]);
  });

  it("comes for a peer that does not read", async () => {
    const { near, streams, closed } = join(100_000);
    streams[1].pause();
    const payload = "x".repeat(30_000);
    for (let count = 0; count < 3; count++) near.notify("note", payload);
    expect(streams[0].destroyed).toBe(false);
    for (let count = 0; count < 10; count++) near.notify("note", payload);
    expect(streams[0].destroyed).toBe(true);
    await vi.waitFor(() => expect(closed).toContain("near"));
  });
});
