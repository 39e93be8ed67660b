import { constants, type ServerHttp2Stream } from "node:http2";
import { Metadata, type ServerWritableStream } from "@grpc/grpc-js";
import type { Disconnect } from "../../core/disconnect.ts";
import type { Transport } from "../../core/transport.ts";
import type { WireFormat } from "../../core/wire-format.ts";
import { http2PeerAddress } from "../../lib/http2-peer.ts";
import { StallGuard } from "../../lib/stall-guard.ts";
import type { TimerWheel } from "../../lib/timer-wheel.ts";

/** A server stream whose requests and messages are bytes; (de)serialising is the codec's. */
export type RawStream = ServerWritableStream<Uint8Array, Uint8Array>;

/** The pings of this transport do not follow the configuration (docs/protocols/unidirectional.md §6.1). */
const PING_INTERVAL_MS = 25_000;
/** How long a client may take nothing of what it is sent last. */
const CLOSE_TIMEOUT_MS = 5000;

/**
 * One gRPC server stream.
 *
 * grpc-js is in charge of the request, metadata and status; messages are framed already and go straight to the
 * HTTP/2 stream. Through the call they would be copied, queued and counted once more for each connection, one
 * by one.
 */
export class GrpcTransport implements Transport {
  readonly name = "uni_grpc";
  readonly protocol = "protobuf";
  readonly pingIntervalMs: number = PING_INTERVAL_MS;
  readonly sendsDisconnectPush = true;
  readonly format: WireFormat;
  readonly deltaFormats = undefined;
  readonly eventIds = undefined;
  readonly #call: RawStream;
  readonly #stream: ServerHttp2Stream;
  readonly #wheel: TimerWheel;
  #closed = false;

  constructor(call: RawStream, format: WireFormat, wheel: TimerWheel) {
    this.#call = call;
    this.#wheel = wheel;
    this.#stream = streamOf(call);
    this.format = format;
  }

  get peerAddress(): string {
    return http2PeerAddress(this.#stream);
  }

  get bufferedBytes(): number {
    // What a stream held when it was destroyed is still counted there.
    return this.#stream.destroyed ? 0 : this.#stream.writableLength;
  }

  /** Calls `gone` once nothing more can be written; at once where the client has left already. */
  onceGone(gone: () => void): void {
    if (this.#stream.destroyed) gone();
    else this.#stream.once("close", gone);
  }

  write(bytes: Uint8Array): void {
    if (this.#closed || this.#stream.destroyed) return;
    if (!this.#stream.headersSent) this.#call.sendMetadata(new Metadata());
    this.#stream.write(bytes);
  }

  refuse(): boolean {
    return false;
  }

  close(reason: Disconnect): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#call.end();
    new StallGuard(this.#stream, this.#wheel, CLOSE_TIMEOUT_MS, () => this.abort(reason)).wrote(0);
  }

  /**
   * Resets the stream here and now; the client hears RESOURCE_EXHAUSTED. The status of an ended call would stand
   * behind messages that the client may never read.
   */
  abort(_reason: Disconnect): void {
    this.#closed = true;
    this.#call.destroy();
    this.#stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    this.#stream.destroy();
  }
}

/** The HTTP/2 stream of a call. grpc-js keeps it to itself, hence the exact version in package.json. */
function streamOf(call: RawStream): ServerHttp2Stream {
  const { call: inner } = call as { readonly call?: { readonly stream?: ServerHttp2Stream } };
  if (inner?.stream === undefined) throw new Error("this version of grpc-js keeps its streams elsewhere");
  return inner.stream;
}
