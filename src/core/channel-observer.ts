import type { ClientInfo } from "./client-info.ts";

/** Who wants to know what happens to channels. Its methods never throw. */
export interface ChannelObserver {
  /** The channel has its first subscriber on all nodes. Told by the node of that subscriber. */
  onOccupied(channel: string): void;
  /** The last subscriber on all nodes is gone. Told by the node of that subscriber. */
  onVacated(channel: string): void;
  /** One subscriber more or less on this node. */
  onSubscribersChanged(channel: string): void;
  /** The first of a user's clients on all nodes has come; only of channels with member notices. */
  onMemberAdded(channel: string, info: ClientInfo): void;
  onMemberRemoved(channel: string, info: ClientInfo): void;
}

/** Who wants to know nothing. */
export const NO_OBSERVER: ChannelObserver = {
  onOccupied: () => undefined,
  onVacated: () => undefined,
  onSubscribersChanged: () => undefined,
  onMemberAdded: () => undefined,
  onMemberRemoved: () => undefined,
};
