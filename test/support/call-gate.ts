import type { Broker } from "../../src/core/broker.ts";
import type { PresenceManager } from "../../src/core/presence-manager.ts";

/** A call that has come to the gate. */
interface WaitingCall {
  readonly name: string;
  /** Runs the call, or, when it has run, lets its answer out; true when there is nothing left to do. */
  step(): boolean;
  fail(error: Error): void;
}

/**
 * Calls that wait for the test: first to be run, then, with the answer of that moment, to be answered.
 *
 * What is not held passes at once.
 */
export class CallGate {
  readonly #held = new Set<string>();
  #waiting: WaitingCall[] = [];

  /** Names of the calls that wait, in the order in which they came. */
  get waiting(): readonly string[] {
    return this.#waiting.map(({ name }) => name);
  }

  /** Has calls of these names wait from now on. */
  hold(...names: readonly string[]): void {
    for (const name of names) this.#held.add(name);
  }

  /** Has nothing wait from now on, and lets everything through that does. */
  open(): void {
    this.#held.clear();
    while (this.#waiting.length > 0) this.step(0);
  }

  /** Runs or answers the call at this place. */
  step(index: number): void {
    if (this.#waiting[index]?.step() === true) this.#waiting.splice(index, 1);
  }

  /** Runs the first waiting call of the name; its answer waits on. */
  run(name: string): void {
    this.step(this.#indexOf(name));
  }

  /** Runs and answers the first waiting call of the name. */
  answer(name: string): void {
    const index = this.#indexOf(name);
    const before = this.#waiting.length;
    while (this.#waiting.length === before) this.step(index);
  }

  /** Fails the first waiting call of the name. */
  fail(name: string, error: Error = new Error(`${name} fails`)): void {
    const [call] = this.#waiting.splice(this.#indexOf(name), 1);
    call?.fail(error);
  }

  pass<Result>(name: string, run: () => Promise<Result>): Promise<Result> {
    if (!this.#held.has(name)) return run();
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    let outcome: Promise<Result> | undefined;
    const step = (): boolean => {
      if (outcome !== undefined) {
        resolve(outcome);
        return true;
      }
      outcome = run();
      return false;
    };
    this.#waiting.push({ name, step, fail: reject });
    return promise;
  }

  #indexOf(name: string): number {
    const index = this.#waiting.findIndex((call) => call.name === name);
    if (index < 0) throw new Error(`no ${name} is waiting`);
    return index;
  }
}

/**
 * A broker whose `subscribe`, `unsubscribe`, `history`, `join`, `leave` and `close` go through a gate. `subscribed` follows what
 * it was asked for.
 */
export function gateBroker(broker: Broker, gate: CallGate, subscribed: Set<string>): Broker {
  return {
    // A test may lose what is delivered.
    isReliable: false,
    start: (listener) => broker.start(listener),
    publish: (channel, publication, options) => broker.publish(channel, publication, options),
    publishNotice: (channel, notice) => gate.pass(notice.type, () => broker.publishNotice(channel, notice)),
    history: (channel, filter, metaTtlMs) =>
      gate.pass("history", () => broker.history(channel, filter, metaTtlMs)),
    removeHistory: (channel) => broker.removeHistory(channel),
    subscribe: (channels) =>
      gate.pass("subscribe", () => {
        for (const channel of channels) subscribed.add(channel);
        return broker.subscribe(channels);
      }),
    unsubscribe: (channels) =>
      gate.pass("unsubscribe", () => {
        for (const channel of channels) subscribed.delete(channel);
        return broker.unsubscribe(channels);
      }),
    close: () => gate.pass("close", () => broker.close()),
  };
}

/** A presence manager whose `presence add` and `presence remove` go through a gate. */
export function gatePresence(presence: PresenceManager, gate: CallGate): PresenceManager {
  return {
    add: (channel, info, maxUsers) => gate.pass("presence add", () => presence.add(channel, info, maxUsers)),
    remove: (channel, client, user) =>
      gate.pass("presence remove", () => presence.remove(channel, client, user)),
    get: (channel) => presence.get(channel),
    stats: (channel) => presence.stats(channel),
    close: () => presence.close(),
  };
}
