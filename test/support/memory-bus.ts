import type { BusAddress, ControlBus } from "../../src/core/control-bus.ts";

/** Joins the nodes of one test: what one sends has arrived when sending resolves. */
export class MemoryBusHub {
  readonly #nodes = new Map<string, (bytes: Uint8Array) => void>();
  readonly #cutOff = new Set<string>();

  /** The bus of a node. */
  busOf(uid: string): ControlBus {
    return {
      start: async (onMessage) => void this.#nodes.set(uid, onMessage),
      send: async (to, bytes) => {
        if (!this.#cutOff.has(uid)) this.#deliver(to, bytes);
      },
      close: async () => void this.#nodes.delete(uid),
    };
  }

  /** Nothing that the node sends or is sent arrives any more. */
  cutOff(uid: string): void {
    this.#nodes.delete(uid);
    this.#cutOff.add(uid);
  }

  #deliver(to: BusAddress, bytes: Uint8Array): void {
    const receivers = to === "all" ? [...this.#nodes.values()] : [this.#nodes.get(to.node)];
    for (const receive of receivers) receive?.(bytes.slice());
  }
}
