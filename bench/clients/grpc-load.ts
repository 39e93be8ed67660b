import { connect, type Socket } from "node:net";
import {
  connectionOpening,
  frame,
  frameFlag,
  FrameReader,
  frameType,
  grpcHeaders,
  grpcMessage,
  windowUpdate,
} from "../wire/http2.ts";
import { LOOPBACK } from "../wire/transport.ts";
import type { LoadConnection, LoadObserver, LoadTarget } from "./load-connection.ts";

const STREAMS = 8;
const WINDOW_REFILL_BYTES = 2 ** 30;

/** One HTTP/2 connection with several calls under way; what becomes free in one read is sent in one write. */
export class GrpcLoadConnection implements LoadConnection {
  readonly #socket: Socket;
  readonly #observer: LoadObserver;
  readonly #first: CallTemplate;
  readonly #next: CallTemplate;
  #streamId = 1;
  #answers = 0;
  #answerBytes = 0;
  #dataBytes = 0;

  constructor({ port, path, headers, body }: LoadTarget, buffer: Buffer, observer: LoadObserver) {
    const blocks = grpcHeaders(path, headers);
    this.#first = new CallTemplate(blocks.first, body);
    this.#next = new CallTemplate(blocks.next, body);
    this.#observer = observer;
    const reader = new FrameReader({
      onFrame: (type, flags, _streamId, payloadBytes) => this.#onFrame(type, flags, payloadBytes),
      onReply: (bytes) => this.#socket.write(bytes),
    });
    this.#socket = connect({
      host: LOOPBACK,
      port,
      noDelay: true,
      onread: {
        buffer,
        callback: (length, bytes) => {
          this.#answers = 0;
          reader.read(bytes, length);
          if (this.#answers > 0) observer.onAnswers(this, this.#answers);
          return true;
        },
      },
    });
    this.#socket.on("error", (error) => observer.onFailure(error));
    this.#socket.on("end", () => observer.onFailure(new Error("the server closed the connection")));
    this.#socket.write(connectionOpening());
  }

  get slots(): number {
    return STREAMS;
  }

  send(count: number): void {
    const calls: Buffer[] = [];
    for (let i = 0; i < count; i++) {
      calls.push((this.#streamId === 1 ? this.#first : this.#next).withStream(this.#streamId));
      this.#streamId += 2;
    }
    this.#socket.write(calls.length === 1 && calls[0] !== undefined ? calls[0] : Buffer.concat(calls));
  }

  close(): void {
    this.#socket.destroy();
  }

  #onFrame(type: number, flags: number, payloadBytes: number): void {
    if (type === frameType.data) {
      this.#answerBytes ||= payloadBytes;
      this.#refillWindow(payloadBytes);
      if (payloadBytes !== this.#answerBytes) {
        this.#observer.onFailure(
          new Error(`an answer of ${payloadBytes} instead of ${this.#answerBytes} bytes`),
        );
      }
    } else if (type === frameType.rstStream || type === frameType.goaway) {
      this.#observer.onFailure(new Error(`HTTP/2 frame of type ${type}`));
    } else if (type === frameType.headers && (flags & frameFlag.endStream) !== 0) {
      if (this.#answerBytes === 0) this.#observer.onFailure(new Error("a call ended without an answer"));
      this.#answers += 1;
    }
  }

  #refillWindow(bytes: number): void {
    this.#dataBytes += bytes;
    if (this.#dataBytes < WINDOW_REFILL_BYTES) return;
    this.#socket.write(windowUpdate(0, this.#dataBytes));
    this.#dataBytes = 0;
  }
}

/** The frames of one call, to be copied with a stream id written in. */
class CallTemplate {
  readonly #bytes: Buffer;
  readonly #dataAt: number;

  constructor(headerBlock: Buffer, message: Uint8Array) {
    const headers = frame(frameType.headers, frameFlag.endHeaders, 0, headerBlock);
    const data = frame(frameType.data, frameFlag.endStream, 0, grpcMessage(message));
    this.#bytes = Buffer.concat([headers, data]);
    this.#dataAt = headers.byteLength;
  }

  withStream(streamId: number): Buffer {
    const bytes = Buffer.from(this.#bytes);
    bytes.writeUInt32BE(streamId, 5);
    bytes.writeUInt32BE(streamId, this.#dataAt + 5);
    return bytes;
  }
}
