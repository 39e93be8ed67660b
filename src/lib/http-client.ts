import { type ClientRequest, type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";

/** Limits of one request. */
export interface HttpLimits {
  /** Milliseconds from looking up the name to the last byte of the answer. */
  readonly timeoutMs: number;
  /** Bytes of a body, as it comes and decompressed. */
  readonly maxBytes: number;
}

/** A request to another server. */
export interface OutgoingRequest {
  readonly method: "GET" | "POST";
  /** With the scheme `http:` or `https:`, without credentials. */
  readonly url: URL;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: Uint8Array;
  /** False where only the status counts, whatever becomes of the body. */
  readonly wantsBody: boolean;
}

/** Answer to a request that has been sent. */
export interface HttpAnswer {
  readonly status: number;
  /** Empty for statuses other than 200. */
  readonly body: Buffer;
}

/** Why there is no answer. */
export type HttpFailureKind = "timeout" | "connection" | "too_large" | "encoding";

/** Failure of a request for which there is no answer; the message begins with its method and URL, without the query. */
export class HttpFailure extends Error {
  override readonly name = "HttpFailure";
  readonly kind: HttpFailureKind;

  constructor({ method, url }: OutgoingRequest, kind: HttpFailureKind, detail: string, cause?: unknown) {
    super(`${method} ${url.origin}${url.pathname}: ${detail}`, { cause });
    this.kind = kind;
  }
}

/** A status as a reason why a request did not do what it was sent for. */
export function describeStatus(status: number): string {
  return `status ${status}${status >= 300 && status < 400 ? ", and redirects are not followed" : ""}`;
}

/**
 * Sends a request over one of Node's connections, which are kept alive for each other.
 *
 * Redirects are answers: what a configuration names is asked, not where that may point one day. Rejects with HttpFailure
 * where there is no answer, or more of it than there may be, and with the signal's reason. Nothing is sent twice.
 */
export async function sendRequest(
  request: OutgoingRequest,
  limits: HttpLimits,
  signal?: AbortSignal,
): Promise<HttpAnswer> {
  signal?.throwIfAborted();
  const { status, encoding, body } = await new Exchange(request, limits, signal).outcome;
  return { status, body: body.length === 0 ? body : await decode(request, encoding, body, limits) };
}

/** An answer as it came. */
interface RawAnswer extends HttpAnswer {
  /** Content coding of the body; undefined for none. */
  readonly encoding: string | undefined;
}

/** One request on its way. */
class Exchange {
  readonly #request: OutgoingRequest;
  readonly #maxBytes: number;
  readonly #signal: AbortSignal | undefined;
  readonly #settle = Promise.withResolvers<RawAnswer>();
  readonly #sent: ClientRequest;
  readonly #timer: NodeJS.Timeout;
  #response: IncomingMessage | undefined;
  readonly #chunks: Buffer[] = [];
  #size = 0;

  constructor(
    request: OutgoingRequest,
    { timeoutMs, maxBytes }: HttpLimits,
    signal: AbortSignal | undefined,
  ) {
    this.#request = request;
    this.#maxBytes = maxBytes;
    this.#signal = signal;
    this.#sent = open(request);
    this.#timer = setTimeout(() => {
      this.#fail(new HttpFailure(request, "timeout", `aborted due to timeout, after ${timeoutMs} ms`));
    }, timeoutMs);
    signal?.addEventListener("abort", this.#onAbort);
    this.#sent.on("error", this.#onError);
    this.#sent.on("response", (response) => this.#take(response));
    this.#sent.end(request.body);
  }

  get outcome(): Promise<RawAnswer> {
    return this.#settle.promise;
  }

  /** Whether the body counts, or only the status, which is known by then. */
  get #wantsBody(): boolean {
    return this.#request.wantsBody && this.#response?.statusCode === 200;
  }

  /** Reads to the end even what is not wanted: then the connection can be used again. */
  #take(response: IncomingMessage): void {
    this.#response = response;
    response.on("error", this.#onError);
    response.on("data", (chunk: Buffer) => {
      this.#size += chunk.length;
      if (this.#size > this.#maxBytes) this.#fail(tooLarge(this.#request, this.#maxBytes));
      else if (this.#wantsBody) this.#chunks.push(chunk);
    });
    response.on("end", () => this.#finish(response));
  }

  readonly #onAbort = (): void => this.#fail(this.#signal?.reason);
  readonly #onError = (cause: unknown): void =>
    this.#fail(new HttpFailure(this.#request, "connection", detailOf(cause), cause));

  /** What goes wrong with a body that is not wanted does not matter. */
  #fail(error: unknown): void {
    if (this.#response !== undefined && !this.#wantsBody) {
      this.#finish(this.#response);
    } else {
      this.#release();
      this.#settle.reject(error);
    }
    this.#sent.destroy();
  }

  #finish({ statusCode: status = 0, headers }: IncomingMessage): void {
    this.#release();
    const body = Buffer.concat(this.#chunks);
    this.#settle.resolve({ status, encoding: headers["content-encoding"], body });
  }

  #release(): void {
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener("abort", this.#onAbort);
  }
}

/** Head as a list: Node takes it as it is, where an object would be looked at name by name. */
function open({ method, url, headers, body }: OutgoingRequest): ClientRequest {
  const head = ["Host", url.host, "User-Agent", "millrace"];
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value === "string") head.push(name, value);
    else for (const one of value) head.push(name, one);
  }
  if (body !== undefined) head.push("Content-Length", String(body.byteLength));
  return (url.protocol === "https:" ? requestHttps : requestHttp)(url, { method, headers: head });
}

const unzip = promisify(gunzip);

/** Undoes gzip, which stored files have whether or not it was asked for. */
async function decode(
  request: OutgoingRequest,
  encoding: string | undefined,
  body: Buffer,
  { maxBytes }: HttpLimits,
): Promise<Buffer> {
  if (encoding === undefined) return body;
  if (encoding !== "gzip") {
    throw new HttpFailure(
      request,
      "encoding",
      `the answer has an encoding that was not asked for: ${encoding}`,
    );
  }
  try {
    return await unzip(body, { maxOutputLength: maxBytes });
  } catch (cause) {
    if (cause instanceof RangeError) throw tooLarge(request, maxBytes);
    throw new HttpFailure(request, "encoding", `the answer is not gzip: ${detailOf(cause)}`, cause);
  }
}

function tooLarge(request: OutgoingRequest, maxBytes: number): HttpFailure {
  return new HttpFailure(request, "too_large", `the answer is longer than ${maxBytes} bytes`);
}

/** What happened. A name with several addresses fails once for each, under an error without a message. */
function detailOf(cause: unknown): string {
  if (cause instanceof AggregateError) return cause.errors.map(detailOf).join(", ");
  return cause instanceof Error ? cause.message : String(cause);
}
