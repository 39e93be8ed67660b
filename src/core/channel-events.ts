import type { ClientInfo } from "./publication.ts";

/** Who wants to know what happens to channels. The methods never throw. */
export interface ChannelObserver {
  /** The channel has its first subscriber on all nodes. */
  onOccupied?(channel: string): void;
  /** The last subscriber on all nodes is gone. */
  onVacated?(channel: string): void;
  /** The first of a user's clients on all nodes is present in the channel. Anonymous clients are nobody's. */
  onMemberAdded?(channel: string, info: ClientInfo): void;
  /** The last of a user's clients on all nodes is not present any more. */
  onMemberRemoved?(channel: string, info: ClientInfo): void;
  /** One subscriber more or less on one node. */
  onSubscribersChanged?(channel: string): void;
}

/**
 * Passes on what happens to channels.
 *
 * Firsts and lasts are found out by broker and presence manager in the atomic step that makes them, and told in one
 * process only: the one that has the broker or presence manager, also when it is another that has died.
 */
export class ChannelEvents implements Required<ChannelObserver> {
  readonly #observers: ChannelObserver[] = [];

  /** Has the observer told from now on. */
  add(observer: ChannelObserver): void {
    this.#observers.push(observer);
  }

  onOccupied(channel: string): void {
    for (const observer of this.#observers) observer.onOccupied?.(channel);
  }

  onVacated(channel: string): void {
    for (const observer of this.#observers) observer.onVacated?.(channel);
  }

  onMemberAdded(channel: string, info: ClientInfo): void {
    for (const observer of this.#observers) observer.onMemberAdded?.(channel, info);
  }

  onMemberRemoved(channel: string, info: ClientInfo): void {
    for (const observer of this.#observers) observer.onMemberRemoved?.(channel, info);
  }

  onSubscribersChanged(channel: string): void {
    for (const observer of this.#observers) observer.onSubscribersChanged?.(channel);
  }
}
