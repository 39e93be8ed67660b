import type { Ambient } from "../../../core/ambient.ts";
import type { Live } from "../../../core/live.ts";
import type { NodeChannels } from "../../../node/channels.ts";
import type { PusherApp, PusherApps } from "../app.ts";
import { isValidName, kindOf } from "../channel-name.ts";
import { DelayLine } from "./delay-line.ts";
import type { WebhookSink } from "./request.ts";

/** A channel that backends are told of. */
export interface AppChannel {
  readonly app: PusherApp;
  /** Pusher name. */
  readonly name: string;
}

/**
 * What a channel of the core is to the backend of an app; undefined for channels of no app, and for those that Pusher
 * has no public name for: personal ones above all (docs/protocols/pusher.md §3.2).
 */
export function appChannelOf(apps: PusherApps, channel: string): AppChannel | undefined {
  const app = apps.ofChannel(channel);
  if (app === undefined) return undefined;
  const name = app.nameOf(channel);
  return isValidName(name, 0) ? { app, name } : undefined;
}

/** Who knows how many subscribers a channel has, and can tell them. */
export interface CountedNode {
  readonly channels: Pick<NodeChannels, "subscriberCount" | "notify">;
}

/** What counting takes. */
export interface SubscriptionCountsOptions extends Pick<Ambient, "clock" | "wheel" | "logger"> {
  readonly apps: Live<PusherApps>;
  readonly webhooks: WebhookSink;
  readonly node: CountedNode;
}

/** Channels with more subscribers are told less often (docs/protocols/pusher.md §2.6). */
const MANY_SUBSCRIBERS = 100;
const REST_MS = 5000;
/** Beyond so many such channels, the first ones rest for a shorter time. */
const MAX_RESTING = 100_000;

/** A channel that is being told, or rests. */
interface Announcement {
  /** Its number of subscribers has changed since it was read. */
  isOutdated: boolean;
}

/**
 * Tells the channels of apps with `enable_subscription_count`, and their backends, how many subscribers they have
 * (docs/protocols/pusher.md §2.6); presence channels have members instead.
 *
 * Changes of one turn of the event loop are told together. With more than a hundred subscribers a channel is told at
 * most once in five seconds. Counts of one channel are told one after the other, and the last one always is.
 */
export class SubscriptionCounts {
  readonly #options: SubscriptionCountsOptions;
  readonly #changed = new Set<string>();
  readonly #announcements = new Map<string, Announcement>();
  readonly #resting: DelayLine<Announcement>;
  readonly #announceChanged = (): void => {
    const channels = [...this.#changed];
    this.#changed.clear();
    for (const channel of channels) {
      const announcement = this.#announcements.get(channel);
      if (announcement === undefined) void this.#announce(channel);
      else announcement.isOutdated = true;
    }
  };

  constructor(options: SubscriptionCountsOptions) {
    const { clock, wheel } = options;
    this.#options = options;
    this.#resting = new DelayLine({
      clock,
      wheel,
      delayMs: REST_MS,
      maxWaiting: MAX_RESTING,
      release: ({ isOutdated }, channel) => {
        this.#announcements.delete(channel);
        if (isOutdated) void this.#announce(channel);
      },
    });
  }

  /** A channel has one subscriber more or less. */
  changed(channel: string): void {
    if (!this.#isCounted(channel)) return;
    this.#changed.add(channel);
    if (this.#changed.size === 1) setImmediate(this.#announceChanged);
  }

  #isCounted(channel: string): boolean {
    const told = appChannelOf(this.#options.apps.get(), channel);
    return told?.app.config.enable_subscription_count === true && !kindOf(told.name).isPresence;
  }

  async #announce(channel: string): Promise<void> {
    const announcement: Announcement = { isOutdated: true };
    this.#announcements.set(channel, announcement);
    let count = 0;
    while (announcement.isOutdated && count <= MANY_SUBSCRIBERS) {
      announcement.isOutdated = false;
      count = await this.#announceOnce(channel);
    }
    if (count > MANY_SUBSCRIBERS) this.#resting.add(channel, announcement);
    else this.#announcements.delete(channel);
  }

  /** Resolves to how many there are; to 0 where that could not be told. */
  async #announceOnce(channel: string): Promise<number> {
    const { apps, webhooks, node, logger } = this.#options;
    try {
      const count = await node.channels.subscriberCount(channel);
      const told = appChannelOf(apps.get(), channel);
      if (told !== undefined) {
        webhooks.emit(told.app, {
          name: "subscription_count",
          channel: told.name,
          subscription_count: count,
        });
      }
      if (count > 0) await node.channels.notify(channel, { type: "subscriptionCount", count });
      return count;
    } catch (err) {
      logger.error({ channel, err }, "subscription count not told");
      return 0;
    }
  }
}
