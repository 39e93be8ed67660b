import type { Clock } from "../../core/clock.ts";

/** One node as others know it: a process with connections, or with the ports that others share. */
export interface NodeEntry {
  readonly uid: string;
  /** Uid of the process that its machine's processes belong to; its own where it is alone. */
  readonly machine: string;
  /** Name of the machine as the server API shows it. */
  readonly name: string;
  readonly version: string;
  /** Seconds since it started, as of when it was heard. */
  readonly uptimeSec: number;
}

interface KnownNode {
  readonly entry: NodeEntry;
  /** Monotonic time at which it was heard last. */
  heardAtMs: number;
}

/** Which other nodes there are, by what has been heard of them. */
export class NodeRegistry {
  readonly #clock: Clock;
  readonly #nodes = new Map<string, KnownNode>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The other nodes, by uid. */
  get uids(): readonly string[] {
    return [...this.#nodes.keys()];
  }

  /** A node, with its uptime as of now; undefined for one that is not known. */
  get(uid: string): NodeEntry | undefined {
    const known = this.#nodes.get(uid);
    if (known === undefined) return undefined;
    const ageSec = (this.#clock.monotonicMs() - known.heardAtMs) / 1000;
    return { ...known.entry, uptimeSec: known.entry.uptimeSec + ageSec };
  }

  has(uid: string): boolean {
    return this.#nodes.has(uid);
  }

  /** A node has been heard of; returns whether for the first time. */
  heard(entry: NodeEntry): boolean {
    const isNew = !this.#nodes.has(entry.uid);
    this.#nodes.set(entry.uid, { entry, heardAtMs: this.#clock.monotonicMs() });
    return isNew;
  }

  /** Forgets a node; returns whether it was known. */
  remove(uid: string): boolean {
    return this.#nodes.delete(uid);
  }

  /** Nodes that have not been heard of for longer than that. */
  silentFor(timeoutMs: number): readonly NodeEntry[] {
    const since = this.#clock.monotonicMs() - timeoutMs;
    return [...this.#nodes.values()].filter(({ heardAtMs }) => heardAtMs < since).map(({ entry }) => entry);
  }
}
