import { describe, expect, it } from "vitest";
import { ChannelInterest } from "../../../src/node/channel-interest.ts";

/** A broker whose calls end when the test says so. */
class Source {
  readonly log: string[] = [];
  readonly #pending: ((error?: Error) => void)[] = [];

  subscribe(channel: string): Promise<void> {
    return this.#call(`+${channel}`);
  }

  unsubscribe(channel: string): Promise<void> {
    return this.#call(`-${channel}`);
  }

  async finish(error?: Error): Promise<void> {
    this.#pending.shift()?.(error);
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }

  #call(entry: string): Promise<void> {
    this.log.push(entry);
    return new Promise((resolve, reject) => {
      this.#pending.push((error) => (error === undefined ? resolve() : reject(error)));
    });
  }
}

describe("ChannelInterest", () => {
  it("subscribes once for many and answers all when the broker has", async () => {
    const source = new Source();
    const interest = new ChannelInterest(source);
    const both = Promise.all([interest.acquire("c"), interest.acquire("c")]);
    expect(source.log).toEqual(["+c"]);
    await source.finish();
    await both;
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
});
