import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { nowMicros } from "../process/host.ts";
import { LOOPBACK, type TransportName } from "../wire/transport.ts";
import { Subscriber, type Tally } from "./subscriber.ts";

const OPENING_CONCURRENCY = 64;
/** Nothing is under way any more when nothing has arrived for so long. */
const QUIET_MICROS = 150_000;
/** The same where all have received alike. */
const QUIET_WHEN_EQUAL_MICROS = 60_000;
const QUIET_TIMEOUT_MS = 20_000;

/** Which subscribers to open, and where. */
export interface GroupOptions {
  readonly transport: TransportName;
  readonly port: number;
  readonly creditPort: number;
  readonly subscribers: number;
}

/** What will arrive in a run. */
export interface Expectation {
  /** Counted bytes that each subscriber receives per round. */
  readonly roundBytes: number;
  readonly rounds: number;
  /** Rounds between two credits to the server; undefined to send none and note arrival times instead. */
  readonly roundsPerCredit: number | undefined;
}

/** All subscribers of one server. They count; the group knows when everything expected has arrived. */
export class SubscriberGroup implements Tally {
  readonly #subscribers: Subscriber[] = [];
  readonly #count: number;
  readonly #credits: Socket;
  #received: Float64Array;
  #total = 0;
  #expected = Infinity;
  #nextCredit = Infinity;
  #creditStep = Infinity;
  #roundBytes = Infinity;
  #arrivals: Float64Array | undefined;
  #lastBytesAt = 0;
  #lost: Error | undefined;
  #finished = Promise.withResolvers<void>();

  private constructor(count: number, credits: Socket) {
    this.#count = count;
    this.#credits = credits;
    this.#received = new Float64Array(count);
  }

  /** Connects and subscribes all of them; resolves when the server has nothing more to say. */
  static async open({ transport, port, creditPort, subscribers }: GroupOptions): Promise<SubscriberGroup> {
    const credits = connect({ host: LOOPBACK, port: creditPort, noDelay: true });
    await once(credits, "connect");
    credits.unref().on("error", () => credits.destroy());
    const group = new SubscriberGroup(subscribers, credits);
    const openNext = async (): Promise<void> => {
      while (group.#subscribers.length < subscribers) {
        const subscriber = new Subscriber(transport, port, group.#subscribers.length, group);
        group.#subscribers.push(subscriber);
        // As many at a time as there are loops.
        await subscriber.opened;
      }
    };
    await Promise.all(Array.from({ length: OPENING_CONCURRENCY }, openNext));
    await group.#quiet();
    return group;
  }

  /** Starts over: whatever has arrived is forgotten. */
  reset(): void {
    this.expect({ roundBytes: Infinity, rounds: 1, roundsPerCredit: undefined });
    this.#arrivals = undefined;
  }

  /** Starts over, with a run ahead. */
  expect({ roundBytes, rounds, roundsPerCredit }: Expectation): void {
    this.#received = new Float64Array(this.#count);
    this.#total = 0;
    this.#roundBytes = roundBytes;
    this.#expected = roundBytes * rounds * this.#count;
    this.#creditStep = roundsPerCredit === undefined ? Infinity : roundBytes * roundsPerCredit * this.#count;
    this.#nextCredit = this.#creditStep;
    this.#arrivals = undefined;
    if (roundsPerCredit === undefined && Number.isFinite(roundBytes)) {
      this.#arrivals = new Float64Array(rounds * this.#count);
    }
    this.#finished = Promise.withResolvers();
    // A connection lost while nobody waits is reported by the next one who does.
    this.#finished.promise.catch(() => undefined);
    if (this.#lost !== undefined) this.#finished.reject(this.#lost);
  }

  /** Resolves when everything expected has arrived; rejects when something else has. */
  async finished(): Promise<void> {
    await this.#finished.promise;
    const each = this.#expected / this.#count;
    const wrong = this.#received.filter((bytes) => bytes !== each);
    if (wrong.length === 0) return;
    throw new Error(
      `${wrong.length} subscribers have ${wrong.slice(0, 5).join(", ")} bytes instead of ${each}`,
    );
  }

  /** Resolves, when all is quiet, to the bytes that every subscriber has received. */
  async receivedByEach(): Promise<number> {
    await this.#quiet();
    const [first = 0] = this.#received;
    const different = this.#received.find((bytes) => bytes !== first);
    if (first === 0 || different !== undefined) {
      throw new Error(
        `one publication: ${first} bytes for one subscriber, ${different ?? first} for another`,
      );
    }
    return first;
  }

  /** Arrival times by round, then subscriber, of a run without credits. */
  arrivals(): Float64Array {
    return this.#arrivals ?? new Float64Array(0);
  }

  close(): void {
    this.#credits.destroy();
    for (const subscriber of this.#subscribers) subscriber.close();
  }

  onBytes(index: number, bytes: number): void {
    const before = this.#received[index] ?? 0;
    this.#received[index] = before + bytes;
    this.#total += bytes;
    if (this.#creditStep !== Infinity) this.#sendCredits();
    else this.#noteArrival(index, before, before + bytes);
    if (this.#total < this.#expected) return;
    if (this.#total === this.#expected) this.#finished.resolve();
    else this.#finished.reject(new Error("more bytes than expected"));
  }

  onLost(error: Error): void {
    this.#lost ??= error;
    this.#finished.reject(error);
  }

  #sendCredits(): void {
    while (this.#total >= this.#nextCredit) {
      this.#nextCredit += this.#creditStep;
      this.#credits.write(CREDIT);
    }
  }

  #noteArrival(index: number, before: number, after: number): void {
    const now = nowMicros();
    this.#lastBytesAt = now;
    if (this.#arrivals === undefined) return;
    const first = Math.floor(before / this.#roundBytes);
    const end = Math.floor(after / this.#roundBytes);
    for (let round = first; round < end; round++) this.#arrivals[round * this.#count + index] = now;
  }

  #quietEnoughMicros(): number {
    const [first = 0] = this.#received;
    return first > 0 && this.#received.every((bytes) => bytes === first)
      ? QUIET_WHEN_EQUAL_MICROS
      : QUIET_MICROS;
  }

  async #quiet(): Promise<void> {
    const deadline = nowMicros() + QUIET_TIMEOUT_MS * 1000;
    this.#lastBytesAt = nowMicros();
    while (nowMicros() - this.#lastBytesAt < this.#quietEnoughMicros()) {
      if (this.#lost !== undefined) throw this.#lost;
      if (nowMicros() > deadline) throw new Error(`the server does not stop talking`);
      // Waiting is the point.
      await sleep(20);
    }
  }
}

const CREDIT = Buffer.from([1]);
