import { setImmediate } from "node:timers/promises";
import { parseConfig } from "../../../../../src/app/config.ts";
import type { Logger } from "../../../../../src/core/logger.ts";
import { TimerWheel } from "../../../../../src/lib/timer-wheel.ts";
import { PusherApp } from "../../../../../src/protocols/pusher/app.ts";
import type { PusherAppConfig, WebhookDeliveryConfig } from "../../../../../src/protocols/pusher/config.ts";
import type { WebhookRequest } from "../../../../../src/protocols/pusher/webhooks/request.ts";
import { Webhooks } from "../../../../../src/protocols/pusher/webhooks/webhooks.ts";
import { FakeClock } from "../../../../support/fake-clock.ts";
import { eventsOf, type ReceivedEvent } from "../../../../support/webhook-endpoint.ts";

const URL = "http://hooks.example/a";
/** One turn of the wheel is the finest that can be told apart. */
export const TICK_MS = 50;

/** An app with the defaults of the configuration. */
export function appWith(changes: Readonly<Record<string, unknown>> = {}): PusherApp {
  const app = { id: "shop", key: "shop-key", secret: "shop-secret", ...changes };
  const [config] = parseConfig({ pusher: { enabled: true, apps: [app] } }).config.pusher.apps;
  return new PusherApp(config as PusherAppConfig);
}

/** An app with one endpoint. */
export function appWithWebhook(webhook: Readonly<Record<string, unknown>> = {}): PusherApp {
  return appWith({ webhooks: [{ url: URL, ...webhook }] });
}

/** A POST that waits for the test to answer it. */
interface PendingPost {
  readonly request: WebhookRequest;
  readonly answer: (status: number) => void;
  readonly fail: (error: Error) => void;
}

/** Webhooks on a clock of their own, with endpoints that answer when the test says so. */
export class TestDelivery {
  readonly clock: FakeClock = new FakeClock();
  readonly wheel: TimerWheel = new TimerWheel(this.clock, TICK_MS);
  /** Everything that was posted. */
  readonly posts: PendingPost[] = [];
  /** Log lines: message and what is counted. */
  readonly log: string[] = [];
  /** What the log was told beside the message. */
  readonly logFields: Readonly<Record<string, unknown>>[] = [];
  readonly webhooks: Webhooks;

  constructor(delivery: Partial<WebhookDeliveryConfig> = {}) {
    this.webhooks = new Webhooks({
      delivery: { ...parseConfig().config.pusher.webhooks, ...delivery },
      post: (request, signal) => this.#post(request, signal),
      clock: this.clock,
      wheel: this.wheel,
      logger: this.#logger(),
    });
  }

  /** Moves time forward, and lets follow what follows. */
  async advance(ms: number): Promise<void> {
    this.clock.advance(ms);
    await setImmediate();
  }

  /** Answers the latest request. */
  async answer(status: number): Promise<void> {
    this.posts.at(-1)?.answer(status);
    await setImmediate();
  }

  /** Has the latest request end without an answer. */
  async fail(): Promise<void> {
    this.posts.at(-1)?.fail(new Error("connect ECONNREFUSED"));
    await setImmediate();
  }

  /** The channels in each request. */
  get told(): readonly (readonly unknown[])[] {
    return this.posts.map(({ request }) => eventsIn(request).map(({ channel }) => channel));
  }

  #post(request: WebhookRequest, signal: AbortSignal): Promise<number> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      signal.addEventListener("abort", () => reject(signal.reason));
      this.posts.push({ request, answer: resolve, fail: reject });
    });
  }

  #logger(): Logger {
    const write = (fields: Readonly<Record<string, unknown>>, message: string): void => {
      this.log.push("events" in fields ? `${message}: ${String(fields["events"])}` : message);
      this.logFields.push(fields);
    };
    return { debug: write, info: write, warn: write, error: write };
  }
}

/** The events that a request tells of. */
export function eventsIn({ body }: WebhookRequest): readonly ReceivedEvent[] {
  return eventsOf(Buffer.from(body).toString());
}
