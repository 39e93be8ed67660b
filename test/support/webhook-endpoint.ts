import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Signal } from "./signal.ts";

/** A POST as it came in. */
export interface ReceivedWebhook {
  readonly headers: IncomingHttpHeaders;
  readonly rawBody: string;
}

/** An event as its receiver sees it. */
export type ReceivedEvent = Readonly<Record<string, unknown>>;

/** An HTTP server on a free port that takes webhooks. */
export class WebhookEndpoint implements AsyncDisposable {
  readonly requests: ReceivedWebhook[] = [];
  /** Answers a request that has been read; 200 by default. */
  answer: RequestListener = (_request, response) => response.end();
  readonly #server: Server;
  readonly #signal = new Signal();

  private constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        this.requests.push({ headers: request.headers, rawBody: Buffer.concat(chunks).toString() });
        this.answer(request, response);
        this.#signal.notify();
      });
    });
  }

  static async start(): Promise<WebhookEndpoint> {
    const endpoint = new WebhookEndpoint();
    await new Promise<void>((resolve) => endpoint.#server.listen(0, "127.0.0.1", resolve));
    return endpoint;
  }

  get url(): string {
    // A server that listens on TCP has such an address.
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hooks`;
  }

  /** Events of all requests so far, in order. */
  get events(): readonly ReceivedEvent[] {
    return this.requests.flatMap(({ rawBody }) => eventsOf(rawBody));
  }

  /** Resolves once so many requests have come. */
  untilRequests(count: number): Promise<void> {
    return this.#signal.until(() => this.requests.length >= count, `request ${count}`);
  }

  /** Resolves to the first event of the name. */
  async untilEvent(name: string): Promise<ReceivedEvent> {
    const find = (): ReceivedEvent | undefined => this.events.find((event) => event["name"] === name);
    await this.#signal.until(() => find() !== undefined, `event ${name}`);
    return find() ?? {};
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise((resolve) => {
      this.#server.close(resolve);
      this.#server.closeAllConnections();
    });
  }
}

/** The events that a body tells of. */
export function eventsOf(rawBody: string): readonly ReceivedEvent[] {
  return (JSON.parse(rawBody) as { readonly events: readonly ReceivedEvent[] }).events;
}
