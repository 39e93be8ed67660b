import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type SecureClientSessionOptions,
} from "node:http2";
import { Signal } from "./signal.ts";

/** A response over HTTP/2, its body as it comes. */
export class Http2Response {
  readonly headers: IncomingHttpHeaders;
  readonly stream: ClientHttp2Stream;
  readonly #signal = new Signal();
  #text = "";
  #ended = false;

  constructor(stream: ClientHttp2Stream, headers: IncomingHttpHeaders) {
    this.headers = headers;
    this.stream = stream;
    stream.setEncoding("utf8");
    stream.on("data", (text: string) => {
      this.#text += text;
      this.#signal.notify();
    });
    // A reset shows as the end of the stream, which is what tests look at.
    stream.on("error", () => undefined);
    stream.on("close", () => {
      this.#ended = true;
      this.#signal.notify();
    });
  }

  get text(): string {
    return this.#text;
  }

  async until(expected: string): Promise<string> {
    await this.#signal.until(() => this.#text.includes(expected), JSON.stringify(expected));
    return this.#text;
  }

  async untilEnd(): Promise<string> {
    await this.#signal.until(() => this.#ended, "end of the stream");
    return this.#text;
  }
}

/** One HTTP/2 connection of Node's own client. */
export class Http2Client implements Disposable {
  readonly session: ClientHttp2Session;

  constructor(origin: string, options: SecureClientSessionOptions = {}) {
    this.session = connect(origin, options);
    this.session.on("error", () => undefined);
  }

  /** Sends a request; resolves when the head of the response has come. */
  request(headers: OutgoingHttpHeaders, body?: string): Promise<Http2Response> {
    const stream = this.session.request(headers, { endStream: body === undefined });
    if (body !== undefined) stream.end(body);
    return new Promise((resolve, reject) => {
      stream.once("error", reject);
      stream.once("response", (responseHeaders) => {
        stream.off("error", reject);
        resolve(new Http2Response(stream, responseHeaders));
      });
    });
  }

  [Symbol.dispose](): void {
    this.session.destroy();
  }
}
