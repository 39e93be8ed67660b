import type { Ambient } from "../../../core/ambient.ts";
import type { Live } from "../../../core/live.ts";
import type { NodeChannels } from "../../../node/channels.ts";
import type { PusherApps } from "../app.ts";
import { kindOf } from "../channel-name.ts";
import { DelayLine } from "./delay-line.ts";
import type { WebhookSink } from "./event.ts";
import { toldChannelOf } from "./told-channel.ts";

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
interface Telling {
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
  readonly #tellings = new Map<string, Telling>();
  readonly #resting: DelayLine<Telling>;
  readonly #tellChanged = (): void => {
    const channels = [...this.#changed];
    this.#changed.clear();
    for (const channel of channels) {
      const telling = this.#tellings.get(channel);
      if (telling === undefined) void this.#tell(channel);
      else telling.isOutdated = true;
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
        this.#tellings.delete(channel);
        if (isOutdated) void this.#tell(channel);
      },
    });
  }

  /** A channel has one subscriber more or less. */
  changed(channel: string): void {
    if (!this.#isCounted(channel)) return;
    this.#changed.add(channel);
    if (this.#changed.size === 1) setImmediate(this.#tellChanged);
  }

  #isCounted(channel: string): boolean {
    const told = toldChannelOf(this.#options.apps.get(), channel);
    return told?.app.config.enable_subscription_count === true && !kindOf(told.name).isPresence;
  }

  async #tell(channel: string): Promise<void> {
    const telling: Telling = { isOutdated: true };
    this.#tellings.set(channel, telling);
    let count = 0;
    while (telling.isOutdated && count <= MANY_SUBSCRIBERS) {
      telling.isOutdated = false;
      count = await this.#tellOnce(channel);
    }
    if (count > MANY_SUBSCRIBERS) this.#resting.add(channel, telling);
    else this.#tellings.delete(channel);
  }

  /** Resolves to how many there are; to 0 where that could not be told. */
  async #tellOnce(channel: string): Promise<number> {
    const { apps, webhooks, node, logger } = this.#options;
    try {
      const count = await node.channels.subscriberCount(channel);
      const told = toldChannelOf(apps.get(), channel);
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
