import type { PusherApp } from "../app.ts";
import { type DeliveryPorts, EndpointQueue } from "./endpoint-queue.ts";
import type { WebhookEvent, WebhookSink } from "./request.ts";

/**
 * Tells the endpoints of all apps what happens (docs/protocols/pusher.md §5).
 *
 * Each endpoint of each app has a queue of its own. What was emitted for an app is delivered as the app was configured
 * at that moment, also after the configuration has changed.
 */
export class Webhooks implements WebhookSink {
  readonly #ports: DeliveryPorts;
  readonly #queues = new WeakMap<PusherApp, readonly EndpointQueue[]>();
  /** Queues with something left to do. */
  readonly #busy = new Set<EndpointQueue>();
  readonly #cutOff = new AbortController();
  #isClosed = false;

  constructor(ports: DeliveryPorts) {
    this.#ports = ports;
  }

  emit(app: PusherApp, event: WebhookEvent): void {
    if (app.config.webhooks.length === 0 || this.#isClosed) return;
    for (const queue of this.#queuesOf(app)) {
      if (!queue.wants(event)) continue;
      this.#busy.add(queue);
      queue.push(event);
    }
  }

  /**
   * Takes no more events, and tries to deliver once what waits; an endpoint that fails is given up. Resolves when that
   * is done, or soon after the deadline. Idempotent.
   */
  async close(deadline: AbortSignal): Promise<void> {
    this.#isClosed = true;
    const cutOff = (): void => this.#cutOff.abort(deadline.reason);
    if (deadline.aborted) cutOff();
    deadline.addEventListener("abort", cutOff);
    await Promise.all([...this.#busy].map((queue) => queue.close()));
    deadline.removeEventListener("abort", cutOff);
  }

  #queuesOf(app: PusherApp): readonly EndpointQueue[] {
    const known = this.#queues.get(app);
    if (known !== undefined) return known;
    const queues = app.config.webhooks.map((webhook) => {
      const queue: EndpointQueue = new EndpointQueue({
        ...this.#ports,
        app: app.config,
        webhook,
        signal: this.#cutOff.signal,
        onIdle: () => this.#busy.delete(queue),
      });
      return queue;
    });
    this.#queues.set(app, queues);
    return queues;
  }
}
