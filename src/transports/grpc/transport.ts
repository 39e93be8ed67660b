import { constants, type ServerHttp2Stream } from "node:http2";
import type { ServerWritableStream } from "@grpc/grpc-js";
import type { Disconnect } from "../../core/disconnect.ts";
import type { Transport } from "../../core/transport.ts";
import type { WireFormat } from "../../core/wire-format.ts";
import { messagesIn } from "./framer.ts";

/** A server stream whose requests and messages are bytes; (de)serialising is the codec's. */
export type RawStream = ServerWritableStream<Uint8Array, Uint8Array>;

/** The pings of this transport do not follow the configuration (uni-transports §6.1). */
const PING_INTERVAL_MS = 25_000;

/**
 * One gRPC server stream.
 *
 * The stream counts what it has queued in messages, not bytes, so the sizes of the queued ones are kept here.
 */
export class GrpcTransport implements Transport {
  readonly name = "uni_grpc";
  readonly protocol = "protobuf";
  readonly pingIntervalMs: number = PING_INTERVAL_MS;
  readonly sendsDisconnectPush = true;
  readonly format: WireFormat;
  readonly deltaFormats = undefined;
  readonly resumeMarks = undefined;
  readonly #call: RawStream;
  /** Sizes of the messages that the stream may still hold, oldest first. */
  #queuedSizes: number[] = [];
  #queuedBytes = 0;
  #closed = false;

  constructor(call: RawStream, format: WireFormat) {
    this.#call = call;
    this.format = format;
  }

  get bufferedBytes(): number {
    this.#forgetWritten();
    return this.#queuedBytes;
  }

  write(bytes: Uint8Array): void {
    if (this.#closed || this.#call.destroyed) return;
    for (const message of messagesIn(bytes)) {
      this.#queuedSizes.push(message.byteLength);
      this.#queuedBytes += message.byteLength;
      this.#call.write(message);
    }
    this.#forgetWritten();
  }

  refuse(): boolean {
    return false;
  }

  close(_reason: Disconnect): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#call.end();
  }

  abort(_reason: Disconnect): void {
    this.#closed = true;
    this.#call.destroy();
    resetStream(this.#call);
  }

  #forgetWritten(): void {
    const written = this.#queuedSizes.length - this.#call.writableLength;
    if (written <= 0) return;
    for (const size of this.#queuedSizes.splice(0, written)) this.#queuedBytes -= size;
  }
}

/**
 * Ends the HTTP/2 stream of a call here and now; the client hears RESOURCE_EXHAUSTED.
 *
 * A destroyed call leaves its stream open, and the status of an ended one stands behind messages that the client
 * may never read: either would hold the last message, and the shutdown, until the client leaves.
 */
function resetStream(call: RawStream): void {
  // grpc-js keeps the stream to itself.
  const { call: inner } = call as { readonly call?: { readonly stream?: ServerHttp2Stream } };
  inner?.stream?.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
}
