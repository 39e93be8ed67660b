import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { ClientError } from "../core/client-error.ts";
import type { ConnectRequest, OpeningHeaders } from "../core/connect-request.ts";
import type { Disconnect } from "../core/disconnect.ts";
import type { EventIds, Transport } from "../core/transport.ts";
import type { UniConnection, UniProtocol } from "../core/uni-protocol.ts";
import {
  type Codecs,
  type DeltaFormats,
  frameAll,
  type Framer,
  type WireFormat,
  type WireFormats,
} from "../core/wire-format.ts";
import type { TimerWheel } from "../lib/timer-wheel.ts";
import {
  type BodyFraming,
  chunkedFramer,
  ResponseStream,
  type ResponseStreamOwner,
} from "./response-stream.ts";
import type { ConnectRefusals } from "./uni-endpoint.ts";

/** What stands behind the last push. */
export interface StreamEnding {
  readonly bytes?: Uint8Array;
  /** For HTTP/2 only. */
  readonly trailers?: OutgoingHttpHeaders;
}

/** What makes one HTTP push transport different from another. */
export interface PushTransportSpec {
  readonly name: string;
  readonly protocol: "json" | "protobuf";
  readonly codecs: Codecs;
  readonly framer: Framer;
  readonly contentType: string;
  readonly pingIntervalMs: number;
  readonly wheel: TimerWheel;
  /** Sent at once, in front of the first push. */
  readonly preamble?: Uint8Array;
  readonly ending?: StreamEnding;
  readonly refusals?: ConnectRefusals;
}

/** What one connection may have beyond what its kind says. */
export interface PushTransportOptions {
  readonly eventIds?: (framing: BodyFraming) => EventIds;
  /** Is called once the connection is gone. */
  readonly onClosed?: () => void;
}

/** A spec with everything computed that its connections share. */
export class PushTransportKind {
  readonly spec: PushTransportSpec;
  readonly headers: OutgoingHttpHeaders;
  readonly formats: Readonly<Record<BodyFraming, WireFormats>>;

  constructor(spec: PushTransportSpec) {
    this.spec = spec;
    this.headers = { "Content-Type": spec.contentType, ...STREAMING_HEADERS };
    this.formats = {
      plain: frameAll(spec.codecs, spec.framer),
      chunked: frameAll(spec.codecs, chunkedFramer(spec.framer)),
    };
  }
}

/**
 * Headers of a body that must reach the client push by push, whatever proxies stand between
 * (docs/protocols/unidirectional.md §2.3).
 */
const STREAMING_HEADERS: OutgoingHttpHeaders = {
  "X-Accel-Buffering": "no",
  "Cache-Control": "private, no-cache, no-store, must-revalidate, max-age=0",
  Pragma: "no-cache",
  Expire: "0",
};

/** A response body that carries the pushes of one session. */
export class PushTransport implements Transport, ResponseStreamOwner {
  readonly format: WireFormat;
  readonly eventIds: EventIds | undefined;
  readonly #kind: PushTransportKind;
  readonly #stream: ResponseStream;
  readonly #onClosed: (() => void) | undefined;
  #connection: UniConnection | undefined;
  /** False where nothing waited after the last write: then nothing does before the next. */
  #mayWait = true;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    kind: PushTransportKind,
    options: PushTransportOptions = {},
  ) {
    this.#kind = kind;
    this.#stream = new ResponseStream(request, response, this);
    const { framing } = this.#stream;
    this.format = kind.formats[framing].plain;
    this.eventIds = options.eventIds?.(framing);
    this.#onClosed = options.onClosed;
  }

  get name(): string {
    return this.#kind.spec.name;
  }

  get protocol(): "json" | "protobuf" {
    return this.#kind.spec.protocol;
  }

  get deltaFormats(): DeltaFormats | undefined {
    return this.#kind.formats[this.#stream.framing].delta;
  }

  get pingIntervalMs(): number {
    return this.#kind.spec.pingIntervalMs;
  }

  get sendsDisconnectPush(): boolean {
    return true;
  }

  get peerAddress(): string {
    return this.#stream.peerAddress;
  }

  get wheel(): TimerWheel {
    return this.#kind.spec.wheel;
  }

  get bufferedBytes(): number {
    return this.#mayWait ? this.#stream.bufferedBytes : 0;
  }

  /** Runs the client's request; the transport lives until either side ends. */
  run(protocol: UniProtocol, request: ConnectRequest, headers: OpeningHeaders): void {
    const connection = protocol.accept(this);
    this.#connection = connection;
    // With refusals the status depends on the outcome, so nothing may be sent before it is known.
    const { preamble, refusals } = this.#kind.spec;
    if (preamble !== undefined && refusals?.enabled !== true) this.#start();
    connection.connect(request, headers);
  }

  write(bytes: Uint8Array): void {
    if (!this.#stream.started) this.#start();
    this.#mayWait = this.#stream.write(bytes);
  }

  refuse(failure: ClientError | Disconnect): boolean {
    const { refusals } = this.#kind.spec;
    if (refusals?.enabled !== true || this.#stream.started) return false;
    const { status, body } = refusals.answer(failure);
    this.#stream.answer(status, { "Content-Type": "text/plain; charset=utf-8" }, body);
    return true;
  }

  close(_reason: Disconnect): void {
    this.#end(this.#kind.spec.ending);
  }

  /** Ends the stream with something else behind the last push, and the session with it. */
  endWith(ending: StreamEnding): void {
    this.#end(ending);
    this.#release();
  }

  abort(_reason: Disconnect): void {
    this.#stream.abort();
  }

  onStreamClosed(): void {
    this.#onClosed?.();
    this.#release();
  }

  #release(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.closed();
  }

  #end(ending: StreamEnding | undefined): void {
    if (ending !== undefined) {
      if (!this.#stream.started) this.#start();
      if (ending.bytes !== undefined) this.#stream.writeUnframed(ending.bytes);
    }
    this.#stream.end(ending?.trailers);
  }

  #start(): void {
    this.#stream.start(200, this.#kind.headers);
    const { preamble } = this.#kind.spec;
    if (preamble !== undefined) this.#stream.writeUnframed(preamble);
  }
}
