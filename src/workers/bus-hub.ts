import type { BusAddress, ControlBus } from "../core/control-bus.ts";

/** Takes a message. Never throws. */
export type BusReceiver = (bytes: Uint8Array) => void;

/** The control bus of the processes of one machine: the primary passes on what they send to each other. */
export class BusHub {
  readonly #receivers = new Map<string, BusReceiver>();

  /** The node gets messages from now on. */
  join(uid: string, receiver: BusReceiver): void {
    this.#receivers.set(uid, receiver);
  }

  leave(uid: string): void {
    this.#receivers.delete(uid);
  }

  send(from: string, to: BusAddress, bytes: Uint8Array): void {
    if (to !== "all") return this.#receivers.get(to.node)?.(bytes);
    for (const [uid, receive] of this.#receivers) if (uid !== from) receive(bytes);
  }

  /** The bus as a node of this process sees it. */
  busOf(uid: string): ControlBus {
    return {
      start: async (onMessage) => this.join(uid, onMessage),
      send: async (to, bytes) => this.send(uid, to, bytes),
      close: async () => this.leave(uid),
    };
  }
}
