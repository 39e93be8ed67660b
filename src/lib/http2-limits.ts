import { constants, type ServerHttp2Stream, type ServerOptions } from "node:http2";

/** What the peer of one HTTP/2 connection may do. 0 or less is no limit. */
export interface Http2Limits {
  /** Streams that are open at a time; those beyond are refused, one by one. */
  readonly maxConcurrentStreams: number;
  /** Header fields of one request, those with a colon included; a request with more is refused. */
  readonly maxHeaderFields: number;
  /** Streams that it resets in a second, and ten times as many at once; beyond, the connection ends. */
  readonly maxStreamResetsPerSec: number;
  /** How long a request may take to come. */
  readonly requestTimeoutMs: number;
}

export const DEFAULT_HTTP2_LIMITS: Http2Limits = {
  maxConcurrentStreams: 1000,
  maxHeaderFields: 1000,
  maxStreamResetsPerSec: 10_000,
  requestTimeoutMs: 30_000,
};

const UNLIMITED = 0xffff_ffff;
/** A connect request may stand in the query, so the head may be as large as over HTTP/1. */
const MAX_HEADER_BYTES = 128 * 1024;

/**
 * The limits as servers of Node take them.
 *
 * Many clients may share a connection, behind a proxy. What one of them does wrong, or does not read, costs its own
 * stream: Node's counts of wrong frames and refused streams, after which it ends the connection, and its account of
 * the memory of all streams together, are out of the way. What waits for a client is limited stream by stream.
 */
export function http2ServerOptions(limits: Http2Limits): ServerOptions {
  const resetsPerSec = orUnlimited(limits.maxStreamResetsPerSec);
  return {
    settings: {
      maxConcurrentStreams: orUnlimited(limits.maxConcurrentStreams),
      maxHeaderListSize: MAX_HEADER_BYTES,
    },
    maxHeaderListPairs: orUnlimited(limits.maxHeaderFields),
    streamResetRate: resetsPerSec,
    streamResetBurst: Math.min(10 * resetsPerSec, UNLIMITED),
    maxSessionInvalidFrames: UNLIMITED,
    maxSessionRejectedStreams: UNLIMITED,
    maxSessionMemory: UNLIMITED,
  };
}

function orUnlimited(limit: number): number {
  return limit > 0 ? Math.min(limit, UNLIMITED) : UNLIMITED;
}

/** Looks at waiting requests come so often within the time that they have. */
const LOOKS = 4;

/**
 * Ends what clients leave open: calls `expire` where a request does not come in time and nothing has been answered, and
 * asks a client to stop sending, as RFC 9113 §8.1 has it, that has its answer. Costs a request two listeners, the same
 * for all, and no timer.
 */
export class RequestGuard {
  readonly #timeoutMs: number;
  readonly #expire: (stream: ServerHttp2Stream) => void;
  /** Open streams with the time at which they came, the oldest first. */
  readonly #startedAtMs = new Map<ServerHttp2Stream, number>();
  readonly #forget: (this: ServerHttp2Stream) => void;
  #looking: NodeJS.Timeout | undefined;

  /** `timeoutMs` of 0 or less waits for ever. */
  constructor(timeoutMs: number, expire: (stream: ServerHttp2Stream) => void) {
    this.#timeoutMs = timeoutMs;
    this.#expire = expire;
    const started = this.#startedAtMs;
    this.#forget = function forget() {
      started.delete(this);
    };
  }

  /** Looks after a stream from its beginning. */
  watch(stream: ServerHttp2Stream): void {
    if (stream.endAfterHeaders) return;
    stream.once("wantTrailers", stopSendingSoon);
    if (this.#timeoutMs <= 0) return;
    this.#startedAtMs.set(stream, performance.now());
    stream.once("close", this.#forget);
    this.#looking ??= setInterval(() => this.#look(), this.#timeoutMs / LOOKS).unref();
  }

  #look(): void {
    const latestMs = performance.now() - this.#timeoutMs;
    for (const [stream, startedAtMs] of this.#startedAtMs) {
      if (startedAtMs > latestMs) return;
      this.#startedAtMs.delete(stream);
      if (stream.readableEnded) continue;
      if (!stream.headersSent) this.#expire(stream);
      else if (stream.writableEnded) stopSending(stream);
    }
    clearInterval(this.#looking);
    this.#looking = undefined;
  }
}

function stopSendingSoon(this: ServerHttp2Stream): void {
  // Trailers, if there are any, are sent in the turn in which they are asked for.
  if (!this.readableEnded) setImmediate(stopSending, this);
}

function stopSending(stream: ServerHttp2Stream): void {
  if (!stream.readableEnded) stream.close(constants.NGHTTP2_NO_ERROR);
}
