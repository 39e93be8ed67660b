import { setImmediate } from "node:timers/promises";
import { LiveValue } from "../../../../../src/core/live.ts";
import type { ChannelNotice } from "../../../../../src/core/publication.ts";
import { TimerWheel } from "../../../../../src/lib/timer-wheel.ts";
import { PusherApps } from "../../../../../src/protocols/pusher/app.ts";
import { ChannelEvents } from "../../../../../src/protocols/pusher/webhooks/channel-events.ts";
import type { WebhookEvent } from "../../../../../src/protocols/pusher/webhooks/request.ts";
import { FakeClock } from "../../../../support/fake-clock.ts";
import { silentLogger } from "../../../../support/silent-logger.ts";
import { appWithWebhook, TICK_MS } from "./delivery.ts";

/** ChannelEvents of an app `shop` with one webhook, of a node whose counts are up to the test. */
export class ObservedApp {
  readonly clock: FakeClock = new FakeClock();
  readonly wheel: TimerWheel = new TimerWheel(this.clock, TICK_MS);
  /** Webhook events: `channel_occupied news`, `member_added presence-a 42`, `subscription_count news 3`. */
  readonly told: string[] = [];
  /** Keys of the apps they were for. */
  readonly toldTo: string[] = [];
  /** What channels were told: `shop:news 3`. */
  readonly notices: string[] = [];
  /** Subscribers of channels; a channel of which there is no number cannot be asked. */
  readonly subscribers: Map<string, number> = new Map();
  /** What a notice waits for. */
  sending: Promise<void> = Promise.resolve();
  readonly events: ChannelEvents;
  readonly #apps = new LiveValue(new PusherApps([]));

  constructor(changes: Readonly<Record<string, unknown>> = {}) {
    this.configure(changes);
    this.events = new ChannelEvents({
      apps: this.#apps,
      webhooks: {
        emit: (app, event) => {
          this.told.push(lineOf(event));
          this.toldTo.push(app.config.key);
        },
      },
      node: {
        channels: {
          subscriberCount: async (channel) => {
            const count = this.subscribers.get(channel);
            if (count === undefined) throw new Error("not reached");
            return count;
          },
          notify: async (channel, notice) => {
            this.notices.push(`${channel} ${countIn(notice)}`);
            await this.sending;
          },
        },
      },
      clock: this.clock,
      wheel: this.wheel,
      logger: silentLogger,
    });
  }

  /** Replaces the app by another one. */
  configure(changes: Readonly<Record<string, unknown>>): void {
    const { config } = appWithWebhook();
    this.#apps.set(new PusherApps([{ ...config, ...changes }]));
  }

  /** The channel has so many subscribers from now on; resolves at the end of the turn. */
  async subscribe(channel: string, count: number): Promise<void> {
    this.subscribers.set(channel, count);
    this.events.onSubscribersChanged(channel);
    await setImmediate();
  }

  /** Moves time forward, and lets follow what follows. */
  async advance(ms: number): Promise<void> {
    this.clock.advance(ms);
    await setImmediate();
  }
}

function lineOf(event: WebhookEvent): string {
  const words: (string | number)[] = [event.name, event.channel];
  if ("user_id" in event) words.push(event.user_id ?? "");
  if ("subscription_count" in event) words.push(event.subscription_count);
  return words.join(" ");
}

function countIn(notice: ChannelNotice): number {
  if (notice.type !== "subscriptionCount") throw new Error(`a notice of type ${notice.type}`);
  return notice.count;
}
