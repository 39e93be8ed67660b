import type { Writable } from "node:stream";
import * as ws from "ws";
import { type Inflation, PERMESSAGE_DEFLATE } from "./compression.ts";
import { FrameBoundaries } from "./frame-boundaries.ts";

/** Who is told what a client has sent. Buffers are valid only during the call. */
export interface FrameSink {
  /** A whole message, text or binary. */
  onMessage(message: Buffer): void;
  onPing(payload: Buffer): void;
  onPong(): void;
  /** The client's close frame; 1005 where it has no code. Nothing is read after it. */
  onCloseFrame(code: number): void;
  /** The client broke the protocol or a limit; with the code to close with. Nothing is read after it. */
  onViolation(code: number): void;
  /** It can be read on, where `read` was not ready for more. */
  onDrain(): void;
}

/** The parser of `ws`, as far as it is used. */
interface Receiver extends Pick<Writable, "write" | "errored"> {
  on(event: "message" | "ping", listener: (data: Buffer) => void): this;
  on(event: "pong" | "drain", listener: () => void): this;
  on(event: "conclude", listener: (code: number) => void): this;
  on(event: "error", listener: (error: Error & { code?: string }) => void): this;
}

interface ReceiverOptions {
  readonly isServer: true;
  readonly maxPayload: number;
  readonly maxFragments: number;
  readonly maxBufferedChunks: number;
  readonly extensions?: Readonly<Record<string, Inflation>>;
}

// The published types leave the parser out.
const { Receiver: WsReceiver } = ws as unknown as { Receiver: new (options: ReceiverOptions) => Receiver };

/** Parts in which any message may come. */
const MIN_PARTS = 1024;
/** What more parts of a long message are to hold on average: each costs about a hundred bytes beside its own. */
const BYTES_PER_PART = 256;
/** Of a message without limit. */
const MAX_PARTS = 256 * 1024;
/** Close codes of errors of `ws` (RFC 6455 §7.4.1); those of zlib mean bad data, the others bad frames. */
const CLOSE_CODES: ReadonlyMap<string, number> = new Map([
  ["WS_ERR_UNSUPPORTED_MESSAGE_LENGTH", 1009],
  ["WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH", 1009],
  ["WS_ERR_TOO_MANY_BUFFERED_PARTS", 1008],
  ["WS_ERR_INVALID_UTF8", 1007],
]);
const BAD_FRAME = 1002;
const BAD_DATA = 1007;

/** Reads the frames of one client at a time. */
export class FrameReader {
  readonly #receiver: Receiver;
  readonly #inflation: Inflation | undefined;
  readonly #boundaries = new FrameBoundaries();
  #sink: FrameSink | undefined;
  /** A close frame or a violation has come. */
  #hasEnded = false;

  /** 0 or less for messages without limit; `inflation` for a connection with permessage-deflate. */
  constructor(maxMessageBytes: number, inflation?: Inflation) {
    this.#inflation = inflation;
    const extensions = inflation === undefined ? {} : { [PERMESSAGE_DEFLATE]: inflation };
    const maxParts = partsOf(maxMessageBytes);
    this.#receiver = new WsReceiver({
      isServer: true,
      maxPayload: Math.max(0, maxMessageBytes),
      maxFragments: maxParts,
      maxBufferedChunks: maxParts,
      extensions,
    });
    this.#receiver
      .on("message", (message) => this.#sink?.onMessage(message))
      .on("ping", (payload) => this.#sink?.onPing(payload))
      .on("pong", () => this.#sink?.onPong())
      .on("conclude", (code) => {
        this.#hasEnded = true;
        this.#sink?.onCloseFrame(code);
      })
      .on("error", (error) => this.#sink?.onViolation(closeCodeOf(error)))
      .on("drain", () => this.#sink?.onDrain());
  }

  /** From now on the bytes are those of this client. */
  startFor(sink: FrameSink): void {
    this.#sink = sink;
  }

  /** Reads what the client has sent; returns false where it is to wait until `onDrain` before it sends more. */
  read(bytes: Buffer): boolean {
    this.#boundaries.advance(bytes);
    const isReady = this.#receiver.write(bytes);
    // Without decompression everything has been read by now.
    return isReady || this.#inflation === undefined;
  }

  /** Whether nothing of the client is left in it, so that it can read another one's bytes. */
  get isFree(): boolean {
    return (
      this.#inflation === undefined &&
      this.#boundaries.isAtRest &&
      !this.#hasEnded &&
      this.#receiver.errored === null
    );
  }

  /** Messages are not looked at any more: compressed ones are empty from now on. */
  stopInflating(): void {
    this.#inflation?.stop();
  }

  /** Nothing more is read. */
  close(): void {
    this.#sink = undefined;
    this.#inflation?.stop();
  }
}

/**
 * The readers of an endpoint.
 *
 * A client is hardly ever in the middle of a message. One that is not needs no parser of its own: the next
 * bytes of any of them are read by the same one.
 */
export class FrameReaders {
  readonly #maxMessageBytes: number;
  #spare: FrameReader | undefined;

  /** 0 or less for messages without limit. */
  constructor(maxMessageBytes: number) {
    this.#maxMessageBytes = maxMessageBytes;
  }

  /** A reader for a client whose next byte begins a message. */
  take(sink: FrameSink): FrameReader {
    const reader = this.#spare ?? new FrameReader(this.#maxMessageBytes);
    this.#spare = undefined;
    reader.startFor(sink);
    return reader;
  }

  /** Takes a reader back, if it is free; returns whether it did. */
  takeBack(reader: FrameReader): boolean {
    if (!reader.isFree) return false;
    this.#spare = reader;
    return true;
  }
}

/** Fragments, and reads of the socket, that may wait for the rest of a message. */
function partsOf(maxMessageBytes: number): number {
  return maxMessageBytes > 0 ? MIN_PARTS + Math.ceil(maxMessageBytes / BYTES_PER_PART) : MAX_PARTS;
}

function closeCodeOf({ code = "" }: { readonly code?: string }): number {
  return CLOSE_CODES.get(code) ?? (code.startsWith("Z_") ? BAD_DATA : BAD_FRAME);
}
