import type { RunningServer } from "./running-server.ts";
import { Signal } from "./signal.ts";

/** A push as JSON clients see it, as far as tests look into it. */
export interface PushJson {
  readonly channel?: string;
  readonly connect?: {
    readonly client: string;
    readonly session: string;
    readonly version: string;
    readonly subs?: Readonly<Record<string, unknown>>;
    readonly ttl?: number;
    readonly time?: number;
  };
  readonly pub?: { readonly data: unknown };
  readonly disconnect?: { readonly code: number; readonly reason: string };
}

/** Reads a push. Its shape is what the tests are about, so it is believed here and compared there. */
export function parsePush(text: string): PushJson {
  const push: PushJson = JSON.parse(text);
  return push;
}

/** A response body, read push by push: lines of HTTP streaming, events of SSE. */
export class PushStream implements AsyncDisposable {
  readonly response: Response;
  readonly #signal = new Signal();
  readonly #abort: AbortController;
  readonly #separator: string;
  #unread = "";
  #text = "";
  #lastEventId: string | undefined;
  #ended = false;
  #failure: unknown;

  constructor(response: Response, abort: AbortController) {
    this.response = response;
    this.#abort = abort;
    this.#separator = response.headers.get("content-type")?.startsWith("text/event-stream") ? "\n\n" : "\n";
    void this.#read();
  }

  get status(): number {
    return this.response.status;
  }

  /** Everything received so far. */
  get text(): string {
    return this.#text;
  }

  /** SSE: what a browser would send as `Last-Event-ID`; undefined until an event read had an id. */
  get lastEventId(): string | undefined {
    return this.#lastEventId;
  }

  /** The next push as text, without what frames it. */
  async nextText(): Promise<string> {
    await this.#signal.until(() => this.#unread.includes(this.#separator) || this.#ended, "push");
    const end = this.#unread.indexOf(this.#separator);
    if (end < 0) throw new Error(`stream ended; received: ${this.#text}`);
    const message = this.#unread.slice(0, end);
    this.#unread = this.#unread.slice(end + this.#separator.length);
    return this.#separator === "\n" ? message : this.#dataOf(message);
  }

  /** The data of an event, whose id, if it has one, is remembered. */
  #dataOf(event: string): string {
    const { id, data } =
      /^(?:\r\n)?(?:id: (?<id>[^\n]*)\n)?data: (?<data>[^\n]*)$/u.exec(event)?.groups ?? {};
    if (data === undefined) throw new Error(`not an event of ours: ${JSON.stringify(event)}`);
    this.#lastEventId = id ?? this.#lastEventId;
    return data;
  }

  async next(): Promise<PushJson> {
    return parsePush(await this.nextText());
  }

  /** All text of the body; rejects when it was cut off rather than ended. */
  async untilEnd(limitMs?: number): Promise<string> {
    await this.untilOver(limitMs);
    if (this.#failure !== undefined) throw new Error("stream was cut off", { cause: this.#failure });
    return this.#text;
  }

  /** Resolves once the body is over, whether it ended or was cut off. */
  async untilOver(limitMs?: number): Promise<void> {
    await this.#signal.until(() => this.#ended, "end of the stream", limitMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.#signal.until(() => this.#ended, "end of the stream");
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    try {
      for await (const bytes of this.response.body ?? []) {
        const text = decoder.decode(bytes, { stream: true });
        this.#text += text;
        this.#unread += text;
        this.#signal.notify();
      }
    } catch (error) {
      this.#failure = error;
    } finally {
      this.#ended = true;
      this.#signal.notify();
    }
  }
}

/** Sends a request with `fetch` and reads whatever comes. */
export async function openStream(url: string, init: RequestInit = {}): Promise<PushStream> {
  const abort = new AbortController();
  return new PushStream(await fetch(url, { ...init, signal: abort.signal }), abort);
}

/** HTTP streaming with a connect request: text or bytes as they are, anything else as JSON. */
export function openHttpStream(
  server: Pick<RunningServer, "url">,
  connect: unknown = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<PushStream> {
  const body = typeof connect === "string" ? connect : JSON.stringify(connect);
  return openStream(server.url("uni_http_stream"), { method: "POST", body, headers });
}

/** SSE over GET with a connect request in the query. */
export function openSse(
  server: Pick<RunningServer, "url">,
  connect?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<PushStream> {
  return openStream(server.url("uni_sse", connect), { headers });
}
