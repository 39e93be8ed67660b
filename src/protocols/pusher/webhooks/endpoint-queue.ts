import type { Ambient } from "../../../core/ambient.ts";
import type { LogFields } from "../../../core/logger.ts";
import type { PusherAppConfig, WebhookConfig, WebhookDeliveryConfig } from "../config.ts";
import { Pause } from "./delay-line.ts";
import { createWebhookRequest, type Post, type WebhookEvent, type WebhookRequest } from "./request.ts";

/** What the queues of all endpoints have in common. */
export interface DeliveryPorts extends Pick<Ambient, "clock" | "wheel" | "logger"> {
  readonly delivery: WebhookDeliveryConfig;
  readonly post: Post;
}

/** What a queue is made of. */
export interface EndpointQueueOptions extends DeliveryPorts {
  readonly app: Pick<PusherAppConfig, "id" | "key" | "secret">;
  readonly webhook: WebhookConfig;
  /** Cuts off the request under way, and with it all that is left. */
  readonly signal: AbortSignal;
  /** Called when everything has been delivered or given up. */
  readonly onIdle: () => void;
}

/*
 * Client events are as large as clients like, so that what waits and what goes along is limited by the characters of
 * their data too. All others are small, and limited by their number.
 */
const MAX_DATA_LENGTH = 64 * 1024 * 1024;
/** What one request takes to write and sign keeps everything else waiting. */
const MAX_BATCH_DATA_LENGTH = 1024 * 1024;

/**
 * Delivers the events of one endpoint in the order in which they came, with one request at a time.
 *
 * Events wait `batch_delay` for others to go along, or for the request before them to be over. An answer other than 2xx
 * and the lack of one are followed by the same request again (docs/protocols/pusher.md §5). At least once: an answer
 * may get lost.
 */
export class EndpointQueue {
  readonly #options: EndpointQueueOptions;
  readonly #pause: Pause;
  /** For the log; the query may hold secrets. */
  readonly #fields: LogFields;
  #waiting: WebhookEvent[] = [];
  /** Characters of `data` in what waits. */
  #dataLength = 0;
  /** Settles when nothing waits any more; undefined then. */
  #delivering: Promise<void> | undefined;
  #isCollecting = false;
  #isClosing = false;
  #isFailing = false;
  /** Not taken for lack of room, since the queue was last empty. */
  #overflowCount = 0;

  constructor(options: EndpointQueueOptions) {
    this.#options = options;
    this.#pause = new Pause(options.wheel);
    const { origin, pathname } = new URL(options.webhook.url);
    this.#fields = { app: options.app.id, endpoint: origin + pathname };
  }

  /** Whether the endpoint is to be told of the event. */
  wants({ name, channel }: WebhookEvent): boolean {
    const {
      event_types: types,
      filter: { channel_prefix: prefix, channel_suffix: suffix },
    } = this.#options.webhook;
    if (types.length > 0 && !types.includes(name)) return false;
    return channel.startsWith(prefix) && channel.endsWith(suffix);
  }

  /** Queues an event, or drops it where there is no room. */
  push(event: WebhookEvent): void {
    const { queue_max_events: maxEvents, batch_size: batchSize } = this.#options.delivery;
    const dataLength = dataLengthOf(event);
    if (this.#waiting.length >= maxEvents || this.#dataLength + dataLength > MAX_DATA_LENGTH) {
      this.#overflow();
      return;
    }
    this.#dataLength += dataLength;
    const count = this.#waiting.push(event);
    this.#delivering ??= this.#deliverAll();
    if (this.#isCollecting && count >= batchSize) this.#pause.end();
  }

  /** Tries once what is left, up to the first failure. Resolves when that has been done; no event may follow. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#pause.end();
    await this.#delivering;
  }

  async #deliverAll(): Promise<void> {
    const { delivery, onIdle } = this.#options;
    this.#isCollecting = true;
    await this.#pause.wait(delivery.batch_delay);
    this.#isCollecting = false;
    while (this.#waiting.length > 0) await this.#deliver(this.#takeBatch());
    if (this.#overflowCount > 0) this.#warn({ events: this.#overflowCount }, "webhook events dropped");
    this.#overflowCount = 0;
    this.#delivering = undefined;
    onIdle();
  }

  #takeBatch(): readonly WebhookEvent[] {
    const { batch_size: maxCount } = this.#options.delivery;
    let count = 0;
    let dataLength = 0;
    for (const event of this.#waiting) {
      const length = dataLengthOf(event);
      if (count === maxCount || (count > 0 && dataLength + length > MAX_BATCH_DATA_LENGTH)) break;
      count += 1;
      dataLength += length;
    }
    this.#dataLength -= dataLength;
    return this.#waiting.splice(0, count);
  }

  async #deliver(events: readonly WebhookEvent[]): Promise<void> {
    const { app, webhook, clock, delivery, logger } = this.#options;
    const request = createWebhookRequest(app, webhook, events, clock.wallMs());
    const giveUpAtMs = clock.monotonicMs() + delivery.retry_timeout;
    let delayMs = delivery.retry_min_delay;
    for (;;) {
      const err = await this.#attempt(request);
      if (err === undefined) {
        if (this.#isFailing) logger.info(this.#fields, "webhook endpoint answers again");
        this.#isFailing = false;
        return;
      }
      if (this.#isClosing || clock.monotonicMs() + delayMs > giveUpAtMs) {
        this.#giveUp(events.length, err);
        return;
      }
      if (!this.#isFailing) this.#warn({ err }, "webhook endpoint fails");
      this.#isFailing = true;
      await this.#pause.wait(delayMs);
      delayMs = Math.min(delayMs * 2, delivery.retry_max_delay);
    }
  }

  /** Resolves to what went wrong; undefined for nothing. */
  async #attempt(request: WebhookRequest): Promise<unknown> {
    const { post, signal } = this.#options;
    try {
      const status = await post(request, signal);
      return status >= 200 && status < 300 ? undefined : new Error(`status ${status}`);
    } catch (error) {
      return error;
    }
  }

  /** While closing, what waits behind a failure is given up too: there is no time for an endpoint that is down. */
  #giveUp(count: number, err: unknown): void {
    let events = count;
    if (this.#isClosing) {
      events += this.#waiting.length;
      this.#waiting = [];
      this.#dataLength = 0;
    }
    this.#isFailing = true;
    this.#warn({ events, err }, "webhook given up");
  }

  #overflow(): void {
    if (this.#overflowCount === 0) this.#warn({}, "webhook queue is full, events are dropped");
    this.#overflowCount += 1;
  }

  #warn(fields: LogFields, message: string): void {
    this.#options.logger.warn({ ...this.#fields, ...fields }, message);
  }
}

function dataLengthOf(event: WebhookEvent): number {
  return event.name === "client_event" ? event.data.length : 0;
}
