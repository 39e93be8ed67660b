import { describe, expect, it } from "vitest";
import { ChannelInterest } from "../../../src/node/channel-interest.ts";

/** A broker whose calls end when the test says so. */
class Source {
  readonly log: string[] = [];
  readonly #pending: ((error?: Error) => void)[] = [];

  subscribe(channels: readonly string[]): Promise<void> {
    return this.#call(`+${channels.join()}`);
  }

  unsubscribe(channels: readonly string[]): Promise<void> {
    return this.#call(`-${channels.join()}`);
  }

  /** Ends the call that has waited longest, once it has been made. */
  async finish(error?: Error): Promise<void> {
    await nextTurn();
    this.#pending.shift()?.(error);
    await nextTurn();
  }

  #call(entry: string): Promise<void> {
    this.log.push(entry);
    return new Promise((resolve, reject) => {
      this.#pending.push((error) => (error === undefined ? resolve() : reject(error)));
    });
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

describe("ChannelInterest", () => {
  it("subscribes once for many and answers all when the broker has", async () => {
    const source = new Source();
    const interest = new ChannelInterest(source);
    const both = Promise.all([interest.acquire("c"), interest.acquire("c")]);
    await source.finish();
    await both;
    expect(source.log).toEqual(["+c"]);
  });

  it("orders a quick leave and return one after the other", async () => {
    const source = new Source();
    const interest = new ChannelInterest(source);
    const first = interest.acquire("c");
    const left = interest.release("c");
    const second = interest.acquire("c");
    for (let call = 0; call < 3; call += 1) await source.finish();
    await Promise.all([first, left, second]);
    expect(source.log).toEqual(["+c", "-c", "+c"]);
  });

  it("passes on a refusal and tries again the next time", async () => {
    const source = new Source();
    const interest = new ChannelInterest(source);
    const refused = expect(interest.acquire("c")).rejects.toThrow("no");
    await source.finish(new Error("no"));
    await refused;
    const again = interest.acquire("c");
    await source.finish();
    await again;
    expect(source.log).toEqual(["+c", "+c"]);
  });

  it("does nothing on a release nobody needs", async () => {
    const source = new Source();
    await new ChannelInterest(source).release("c");
    expect(source.log).toEqual([]);
  });

  it("has the channels of one turn come and go in one call", async () => {
    const source = new Source();
    const interest = new ChannelInterest(source);
    const acquired = Promise.all(["a", "b", "a", "c"].map((channel) => interest.acquire(channel)));
    await source.finish();
    await acquired;
    const released = Promise.all(["c", "a"].map((channel) => interest.release(channel)));
    const another = interest.acquire("d");
    await source.finish();
    await source.finish();
    await Promise.all([released, another]);
    expect(source.log.toSorted()).toEqual(["+a,b,c", "+d", "-c,a"]);
  });

  it("one refusal is that of all that were asked for with it", async () => {
    const source = new Source();
    const interest = new ChannelInterest(source);
    const refused = Promise.allSettled([interest.acquire("a"), interest.acquire("b")]);
    await source.finish(new Error("no"));
    expect((await refused).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  });
});
