import type { ChannelObserver } from "../core/channel-observer.ts";
import type { ClientInfo } from "../core/client-info.ts";

/** Tells several observers as one. */
export class ChannelObservers implements ChannelObserver {
  readonly #observers: ChannelObserver[] = [];

  add(observer: ChannelObserver): void {
    this.#observers.push(observer);
  }

  onOccupied(channel: string): void {
    for (const observer of this.#observers) observer.onOccupied(channel);
  }

  onVacated(channel: string): void {
    for (const observer of this.#observers) observer.onVacated(channel);
  }

  onSubscribersChanged(channel: string): void {
    for (const observer of this.#observers) observer.onSubscribersChanged(channel);
  }

  onMemberAdded(channel: string, info: ClientInfo): void {
    for (const observer of this.#observers) observer.onMemberAdded(channel, info);
  }

  onMemberRemoved(channel: string, info: ClientInfo): void {
    for (const observer of this.#observers) observer.onMemberRemoved(channel, info);
  }
}
