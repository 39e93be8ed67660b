/** Whom a message is for: one node, by its uid, or all of them. */
export type BusAddress = { readonly node: string } | "all";

/**
 * Carries bytes from node to node; what they mean is the business of `node/cluster`.
 *
 * - At most once: a node that is not there gets nothing, and nobody is told.
 * - What one node sends to one address arrives in the order of sending.
 * - What is sent to all may come back to its sender.
 */
export interface ControlBus {
  /** Messages for this node arrive once it has resolved. Called once, before anything else. */
  start(onMessage: (bytes: Uint8Array) => void): Promise<void>;
  /** Resolves once the message is on its way; rejects where it is known that it is not. */
  send(to: BusAddress, bytes: Uint8Array): Promise<void>;
  /** Nothing arrives any more. Idempotent. */
  close(): Promise<void>;
}

/** The bus of a node that is alone. */
export const LONE_BUS: ControlBus = {
  start: () => Promise.resolve(),
  send: () => Promise.resolve(),
  close: () => Promise.resolve(),
};
