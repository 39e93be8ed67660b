import type { Logger } from "../core/logger.ts";
import { LinkClosed, LinkTimeout } from "../lib/link/message-link.ts";
import type { RateTaken } from "./calls.ts";

/** A node as the router sees it. Arguments and answers are as they travel. */
export interface RoutedNode {
  ask(name: string, args: readonly unknown[]): Promise<unknown>;
  /** Tells it the uids of the other nodes, and how many sessions they have together. */
  setOthers(uids: readonly string[], sessions: number): void;
  /** Tells it what another node has taken of rates. */
  noteRates(taken: readonly RateTaken[]): void;
}

interface Entry {
  readonly node: RoutedNode;
  sessions: number;
}

/** Passes questions on from node to node, and what each is to know of the others. */
export class NodeRouter {
  readonly #nodes = new Map<string, Entry>();
  readonly #later: (tell: () => void) => unknown;
  readonly #logger: Logger;
  #isTelling = false;

  /**
   * `atOnce`, nodes hear of each other's sessions before anything else that the primary does; otherwise, once for all
   * that comes in one turn, which costs less with many nodes.
   */
  constructor(tells: "atOnce" | "inTurns", logger: Logger) {
    this.#logger = logger;
    this.#later = tells === "atOnce" ? (tell) => process.nextTick(tell) : setImmediate;
  }

  add(uid: string, node: RoutedNode): void {
    this.#nodes.set(uid, { node, sessions: 0 });
    this.#tellSoon();
  }

  remove(uid: string): void {
    if (this.#nodes.delete(uid)) this.#tellSoon();
  }

  /** Uids of the nodes but one. */
  othersOf(uid: string): readonly string[] {
    return [...this.#nodes.keys()].filter((other) => other !== uid);
  }

  /** The answers of all nodes but one; those that go down meanwhile, or take too long, have none. */
  async askOthers(from: string, name: string, args: readonly unknown[]): Promise<readonly unknown[]> {
    const answers = await Promise.all(this.othersOf(from).map((uid) => this.#ask(uid, name, args)));
    return answers.filter((answer) => answer !== undefined).map(({ value }) => value);
  }

  /** The answer of one node; undefined where it is gone, or takes too long. */
  async askNode(uid: string, name: string, args: readonly unknown[]): Promise<unknown> {
    return (await this.#ask(uid, name, args))?.value;
  }

  reportSessions(uid: string, count: number): void {
    const entry = this.#nodes.get(uid);
    if (entry === undefined || entry.sessions === count) return;
    entry.sessions = count;
    this.#tellSoon();
  }

  /** Tells all nodes but the one that has taken. */
  noteRates(from: string, taken: readonly RateTaken[]): void {
    for (const [uid, { node }] of this.#nodes) if (uid !== from) node.noteRates(taken);
  }

  async #ask(uid: string, name: string, args: readonly unknown[]): Promise<{ value: unknown } | undefined> {
    const node = this.#nodes.get(uid)?.node;
    if (node === undefined) return undefined;
    try {
      return { value: await node.ask(name, args) };
    } catch (error) {
      if (error instanceof LinkClosed) return undefined;
      if (!(error instanceof LinkTimeout)) throw error;
      this.#logger.warn({ worker: uid, call: name }, "worker has not answered in time and is left out");
      return undefined;
    }
  }

  /** Once for all that has come with it. */
  #tellSoon(): void {
    if (this.#isTelling) return;
    this.#isTelling = true;
    this.#later(() => {
      this.#isTelling = false;
      const total = [...this.#nodes.values()].reduce((sum, { sessions }) => sum + sessions, 0);
      for (const [uid, { node, sessions }] of this.#nodes)
        node.setOthers(this.othersOf(uid), total - sessions);
    });
  }
}
