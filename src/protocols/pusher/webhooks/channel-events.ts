import type { Ambient } from "../../../core/ambient.ts";
import type { ChannelObserver } from "../../../core/channel-events.ts";
import type { Live } from "../../../core/live.ts";
import type { ClientInfo } from "../../../core/publication.ts";
import type { PusherApps } from "../app.ts";
import { DelayLine } from "./delay-line.ts";
import type { WebhookEvent, WebhookSink } from "./request.ts";
import { type CountedNode, SubscriptionCounts, appChannelOf } from "./subscription-counts.ts";

/** What is made of the things that happen to channels. */
export interface ChannelEventsOptions extends Pick<Ambient, "clock" | "wheel" | "logger"> {
  readonly apps: Live<PusherApps>;
  readonly webhooks: WebhookSink;
  readonly node: CountedNode;
}

/** Hosted Pusher waits so long for clients to come back (docs/protocols/pusher.md §5). */
const RETURN_MS = 3000;
/** Beyond so many, the earliest ones are told of without waiting longer. */
const MAX_DEPARTURES = 100_000;

interface Departure {
  readonly channel: string;
  readonly event: WebhookEvent;
}

/**
 * Tells backends that channels become occupied and vacated, and that members come and go (docs/protocols/pusher.md §5);
 * and channels and backends how many subscribers there are.
 *
 * Arrivals are told at once, departures after three seconds. Whoever is back by then has not been away: neither is
 * told.
 */
export class ChannelEvents implements ChannelObserver {
  readonly #options: ChannelEventsOptions;
  readonly #departures: DelayLine<Departure>;
  readonly #counts: SubscriptionCounts;
  #isClosed = false;

  constructor(options: ChannelEventsOptions) {
    const { clock, wheel } = options;
    this.#options = options;
    this.#counts = new SubscriptionCounts(options);
    this.#departures = new DelayLine({
      clock,
      wheel,
      delayMs: RETURN_MS,
      maxWaiting: MAX_DEPARTURES,
      release: ({ channel, event }) => this.#emit(channel, event),
    });
  }

  onOccupied(channel: string): void {
    this.#arrive(channel, channel, (name) => ({ name: "channel_occupied", channel: name }));
  }

  onVacated(channel: string): void {
    this.#depart(channel, channel, (name) => ({ name: "channel_vacated", channel: name }));
  }

  onMemberAdded(channel: string, { user }: ClientInfo): void {
    const eventOf = (name: string): WebhookEvent => ({ name: "member_added", channel: name, user_id: user });
    this.#arrive(channel, memberKey(channel, user), eventOf);
  }

  onMemberRemoved(channel: string, { user }: ClientInfo): void {
    const eventOf = (name: string): WebhookEvent => ({
      name: "member_removed",
      channel: name,
      user_id: user,
    });
    this.#depart(channel, memberKey(channel, user), eventOf);
  }

  onSubscribersChanged(channel: string): void {
    this.#counts.changed(channel);
  }

  /**
   * The server goes down: departures are told at once, those that wait and those that follow. Clients that come back
   * do so to a server that knows nothing of them, and tells of their arrival again.
   */
  close(): void {
    this.#isClosed = true;
    this.#departures.flush();
  }

  #arrive(channel: string, key: string, eventOf: (name: string) => WebhookEvent): void {
    if (this.#departures.takeBack(key)) return;
    const name = this.#nameOf(channel);
    if (name !== undefined) this.#emit(channel, eventOf(name));
  }

  #depart(channel: string, key: string, eventOf: (name: string) => WebhookEvent): void {
    const name = this.#nameOf(channel);
    if (name === undefined) return;
    if (this.#isClosed) this.#emit(channel, eventOf(name));
    else this.#departures.add(key, { channel, event: eventOf(name) });
  }

  /** The channel's Pusher name; undefined where nobody is to be told. */
  #nameOf(channel: string): string | undefined {
    const told = appChannelOf(this.#options.apps.get(), channel);
    return told === undefined || told.app.config.webhooks.length === 0 ? undefined : told.name;
  }

  /** To whatever the app is by now. */
  #emit(channel: string, event: WebhookEvent): void {
    const app = this.#options.apps.get().ofChannel(channel);
    if (app !== undefined) this.#options.webhooks.emit(app, event);
  }
}

/** No name of a channel has a line feed. */
function memberKey(channel: string, user: string): string {
  return `${channel}\n${user}`;
}
