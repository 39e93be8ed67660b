import assert from "node:assert/strict";
import { disconnect } from "../../src/core/disconnect.ts";
import type { StreamPosition } from "../../src/core/publication.ts";
import { PLAIN_GRANT } from "../../src/core/token-verifier.ts";
import { endOfTurn } from "./fake-transport.ts";
import { StreamClient, type StreamClientKind } from "./stream-client.ts";
import type { TestNode } from "./test-node.ts";

export const CHANNELS = ["c", "d"] as const;
export type Channel = (typeof CHANNELS)[number];

/** What may happen. Nothing waits for anything else, but for `hop` and `settle`. */
export type Step =
  | {
      readonly type: "publish";
      readonly channel: Channel;
      readonly skipHistory: boolean;
      readonly delta: boolean;
    }
  | { readonly type: "connect"; readonly client: number; readonly channels: readonly Channel[] }
  | { readonly type: "leave" | "read"; readonly client: number; readonly unread: number }
  | { readonly type: "kick"; readonly client: number }
  | {
      readonly type: "subscribe";
      readonly client: number;
      readonly channel: Channel;
      readonly recover: boolean;
    }
  | { readonly type: "unsubscribe"; readonly client: number; readonly channel: Channel }
  /** The broker runs or answers one of the calls that wait. */
  | { readonly type: "broker"; readonly call: number }
  /** A microtask, or a whole turn of the event loop. */
  | { readonly type: "hop" | "settle" }
  | { readonly type: "tick" }
  | { readonly type: "expire" | "remove" | "forget" }
  /** A publication that does not reach the node. */
  | { readonly type: "lose"; readonly channel: Channel };

/** What is kept of a stream expires after the last publication. */
export const TTL_MS = 2_000;
/** Never reached but on purpose. */
export const META_TTL_MS = 200_000;
export const TICK_MS = 4_000;
/** What came of a scenario. */
export interface Outcome {
  readonly endCodes: readonly number[];
  readonly recovered: number;
  readonly notRecovered: number;
}

/**
 * A node, its clients, and what happens to them.
 *
 * Whatever that is: clients check that they miss and repeat nothing silently, and in the end everybody has got the last
 * publication or been told to come back, and nothing is left behind. Otherwise `run` rejects.
 */
export class Scenario {
  readonly #test: TestNode;
  readonly #clients: readonly StreamClient[];
  /** Values by channel, epoch and offset. */
  readonly #published = new Map<string, number>();
  readonly #latest = new Map<Channel, number>();
  readonly #publishing: Promise<void>[] = [];
  #value = 0;

  constructor(test: TestNode, kinds: readonly StreamClientKind[]) {
    this.#test = test;
    this.#clients = kinds.map((kind, index) => new StreamClient(test, `${index}`, kind));
  }

  async run(steps: readonly Step[], held: readonly string[]): Promise<Outcome> {
    this.#test.gate.hold(...held);
    for (const step of steps) await this.#do(step);
    this.#test.gate.open();
    await this.#checkEverybodyAtTheTop();
    for (const one of this.#clients) one.connect(CHANNELS);
    await this.#checkEverybodyAtTheTop();
    assert.ok(this.#clients.every(({ isConnected }) => isConnected));
    this.#checkWhatWasPublished();
    for (const one of this.#clients) one.leave(0);
    await endOfTurn();
    assert.deepEqual(await this.#test.counts(), [0, 0, 0, 0]);
    assert.equal(this.#test.wheel.size, 0);
    assert.equal(this.#test.subscribed.size, 0);
    for (const name of CHANNELS) assert.equal((await this.#test.presence.get(name)).size, 0);
    return {
      endCodes: this.#clients.flatMap(({ endCodes }) => endCodes),
      recovered: this.#clients.reduce((sum, { returns }) => sum + returns.recovered, 0),
      notRecovered: this.#clients.reduce((sum, { returns }) => sum + returns.notRecovered, 0),
    };
  }

  #do(step: Step): Promise<void> | void {
    const { clock, gate, node } = this.#test;
    switch (step.type) {
      case "publish":
        return this.#publish(step.channel, step);
      case "connect":
        return this.#at(step.client).connect(step.channels);
      case "leave":
        return this.#at(step.client).leave(step.unread);
      case "read":
        return this.#at(step.client).read(step.unread);
      case "kick":
        return void node.sessions.disconnect(this.#target(step.client), disconnect("forceReconnect"), []);
      case "subscribe":
        return this.#subscribe(step.client, step.channel, step.recover);
      case "unsubscribe":
        return void node.sessions.unsubscribe(this.#target(step.client), step.channel);
      case "broker":
        return gate.step(step.call);
      case "hop":
        return Promise.resolve();
      case "settle":
        return endOfTurn();
      case "tick":
        return clock.advance(TICK_MS);
      case "expire":
        return clock.advance(TTL_MS);
      case "forget":
        return clock.advance(META_TTL_MS);
      case "lose":
        return this.#note(step.channel, (data) => this.#test.lose(step.channel, data));
      case "remove":
        for (const name of CHANNELS) void node.channels.removeHistory(name);
    }
  }

  #publish(name: Channel, changes: { readonly skipHistory: boolean; readonly delta: boolean }): void {
    this.#note(name, (data) => this.#test.publish(name, data, changes));
  }

  #note(name: Channel, publish: (data: unknown) => Promise<StreamPosition>): void {
    this.#value += 1;
    const value = this.#value;
    this.#latest.set(name, value);
    const data = { n: value, text: "so much the same that a difference is shorter than the whole of it" };
    this.#publishing.push(
      publish(data).then(
        ({ offset, epoch }) => void this.#published.set(`${name} ${epoch} ${offset}`, value),
      ),
    );
  }

  #subscribe(index: number, name: Channel, recover: boolean): void {
    const since = recover ? this.#at(index).positionIn(name) : undefined;
    const command = { channel: name, grant: PLAIN_GRANT, since };
    void this.#test.node.sessions.subscribe(this.#target(index), command);
  }

  /** When all is quiet, who is connected has got everything up to a last publication, or has been told to come back. */
  async #checkEverybodyAtTheTop(): Promise<void> {
    for (const name of CHANNELS) this.#publish(name, { skipHistory: false, delta: true });
    await Promise.all(this.#publishing);
    await endOfTurn();
    for (const one of this.#clients) one.read();
    for (const one of this.#clients.filter(({ isConnected }) => isConnected)) {
      for (const name of CHANNELS) {
        const position = one.positionIn(name);
        if (position === undefined) continue;
        const value = this.#published.get(`${name} ${position.epoch} ${position.offset}`);
        assert.equal(value, this.#latest.get(name), `client ${one.user} is not at the top of ${name}`);
      }
    }
  }

  #checkWhatWasPublished(): void {
    for (const { received } of this.#clients) {
      for (const { channel: name, epoch, offset, value } of received) {
        assert.equal(this.#published.get(`${name} ${epoch} ${offset}`), value);
      }
    }
  }

  #target(index: number): { readonly user: string; readonly client: string; readonly session: string } {
    return { user: `${index}`, client: "", session: "" };
  }

  #at(index: number): StreamClient {
    const one = this.#clients[index];
    if (one === undefined) throw new RangeError("no such client");
    return one;
  }
}
