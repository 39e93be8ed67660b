import { describe, expect, it } from "vitest";
import { endOfTurn } from "../../support/fake-transport.ts";
import { ChannelInterest, type OccupancyListener } from "../../../src/node/channel-interest.ts";

/** A broker whose calls end when the test says so. */
class Source {
  readonly log: string[] = [];
  /** Of calls that succeed. */
  answer = false;
  readonly #pending: ((error?: Error) => void)[] = [];

  subscribe(channel: string): Promise<boolean> {
    return this.#call(`+${channel}`);
  }

  unsubscribe(channel: string): Promise<boolean> {
    return this.#call(`-${channel}`);
  }

  async finish(error?: Error): Promise<void> {
    this.#pending.shift()?.(error);
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }

  #call(entry: string): Promise<boolean> {
    this.log.push(entry);
    return new Promise((resolve, reject) => {
      this.#pending.push((error) => (error === undefined ? resolve(this.answer) : reject(error)));
    });
  }
}

const NOBODY: OccupancyListener = { onOccupied: () => undefined, onVacated: () => undefined };

describe("ChannelInterest", () => {
  it("subscribes once for many and answers all when the broker has", async () => {
    const source = new Source();
    const interest = new ChannelInterest(source, NOBODY);
    const both = Promise.all([interest.acquire("c"), interest.acquire("c")]);
    expect(source.log).toEqual(["+c"]);
    await source.finish();
    await both;
  });

  it("orders a quick leave and return one after the other", async () => {
    const source = new Source();
    const interest = new ChannelInterest(source, NOBODY);
    const first = interest.acquire("c");
    const left = interest.release("c");
    const second = interest.acquire("c");
    for (let call = 0; call < 3; call += 1) await source.finish();
    await Promise.all([first, left, second]);
    expect(source.log).toEqual(["+c", "-c", "+c"]);
  });

  it("passes on a refusal and tries again the next time", async () => {
    const source = new Source();
    const interest = new ChannelInterest(source, NOBODY);
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
    await new ChannelInterest(source, NOBODY).release("c");
    expect(source.log).toEqual([]);
  });

  it("tells the first and the last listener among all", async () => {
    const told: string[] = [];
    const source = new Source();
    const interest = new ChannelInterest(source, {
      onOccupied: (channel) => void told.push(`occupied ${channel}`),
      onVacated: (channel) => void told.push(`vacated ${channel}`),
    });
    for (const answer of [true, false]) {
      source.answer = answer;
      const acquired = interest.acquire("c");
      await source.finish();
      await acquired;
      const released = interest.release("c");
      // The call is made a step later, after the one before it has been answered.
      await endOfTurn();
      await source.finish();
      await released;
    }
    expect(told).toEqual(["occupied c", "vacated c"]);
  });
});
