import type { IncomingMessage } from "node:http";
import type { OpeningHeaders } from "../core/connect-request.ts";

/** Headers of an HTTP request, which itself need not stay in memory. */
export class RequestHeaders implements OpeningHeaders {
  readonly kind: OpeningHeaders["kind"];
  /** Name, value, name, value. */
  readonly #lines: readonly string[];

  /** Of a request to an RPC method, they are its metadata. */
  constructor({ rawHeaders }: IncomingMessage, kind: OpeningHeaders["kind"] = "http") {
    this.kind = kind;
    this.#lines = rawHeaders;
  }

  names(): Iterable<string> {
    const names = this.#lines.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase());
    // Those of HTTP/2 that begin with a colon are no headers.
    return new Set(names.filter((name) => !name.startsWith(":")));
  }

  valuesOf(name: string): readonly string[] {
    return this.#lines.filter(
      (_, index) => index % 2 === 1 && this.#lines[index - 1]?.toLowerCase() === name,
    );
  }
}
