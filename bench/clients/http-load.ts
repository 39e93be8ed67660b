import { connect, type Socket } from "node:net";
import { httpRequest } from "../wire/publish-request.ts";
import { LOOPBACK } from "../wire/transport.ts";
import type { LoadConnection, LoadObserver, LoadTarget } from "./load-connection.ts";

/** Keep-alive, one request at a time. */
export class HttpLoadConnection implements LoadConnection {
  readonly #socket: Socket;
  readonly #observer: LoadObserver;
  readonly #request: Buffer;
  /** All answers have the length of the first one. */
  #answerBytes = 0;
  #received = 0;

  constructor(target: LoadTarget, buffer: Buffer, observer: LoadObserver) {
    const { port } = target;
    this.#observer = observer;
    this.#request = httpRequest(target);
    this.#socket = connect({
      host: LOOPBACK,
      port,
      noDelay: true,
      onread: { buffer, callback: (length, bytes) => this.#read(length, bytes) },
    });
    this.#socket.on("error", (error) => observer.onFailure(error));
    this.#socket.on("end", () => observer.onFailure(new Error("the server closed the connection")));
  }

  get slots(): number {
    return 1;
  }

  send(): void {
    this.#socket.write(this.#request);
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(length: number, bytes: Uint8Array): boolean {
    const isWhole = this.#received === 0;
    this.#received += length;
    // Answers hardly differ in length, so the head is read only when this one does.
    if (isWhole && this.#received !== this.#answerBytes) {
      this.#answerBytes = this.#lengthOfAnswer(Buffer.from(bytes.subarray(0, length)));
    }
    if (this.#received > this.#answerBytes) {
      this.#observer.onFailure(
        new Error(`an answer of ${this.#received} instead of ${this.#answerBytes} bytes`),
      );
    } else if (this.#received === this.#answerBytes) {
      this.#received = 0;
      this.#observer.onAnswers(this, 1);
    }
    return true;
  }

  /** Length of an answer from its first bytes, which must say that all went well. */
  #lengthOfAnswer(bytes: Buffer): number {
    const text = bytes.toString("latin1");
    const headBytes = text.indexOf("\r\n\r\n") + 4;
    const bodyBytes = /^content-length: (\d+)/im.exec(text)?.[1];
    const refused = !text.startsWith("HTTP/1.1 200 ") || text.includes('"error"') || bodyBytes === undefined;
    if (headBytes >= 4 && !refused) return headBytes + Number(bodyBytes);
    this.#observer.onFailure(new Error(`unexpected answer: ${text.slice(0, 300)}`));
    return 0;
  }
}
