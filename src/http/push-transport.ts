import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { ClientError } from "../core/client-error.ts";
import { type Disconnect, disconnect } from "../core/disconnect.ts";
import type { ResumeMarks, Transport } from "../core/transport.ts";
import type { ConnectRequest, UniConnection, UniProtocol } from "../core/uni-protocol.ts";
import {
  type Codecs,
  type DeltaFormats,
  frameAll,
  type Framer,
  type WireFormat,
  type WireFormats,
} from "../core/wire-format.ts";
import { StallGuard } from "../lib/stall-guard.ts";
import type { TimerWheel } from "../lib/timer-wheel.ts";
import type { ConnectRefusals } from "./connect-refusals.ts";
import { type BodyFraming, chunkedFramer, ResponseStream } from "./response-stream.ts";

/** A client has this long to take anything of what was written. */
const WRITE_TIMEOUT_MS = 1000;

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
  /** Sent behind the last push. */
  readonly epilogue?: Uint8Array;
  readonly refusals?: ConnectRefusals;
}

/** What one connection may have beyond what its kind says. */
export interface PushTransportOptions {
  readonly resumeMarks?: (framing: BodyFraming) => ResumeMarks;
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

/** Headers of a body that must reach the client push by push, whatever proxies stand between (uni-transports §2.3). */
const STREAMING_HEADERS: OutgoingHttpHeaders = {
  "X-Accel-Buffering": "no",
  "Cache-Control": "private, no-cache, no-store, must-revalidate, max-age=0",
  Pragma: "no-cache",
  Expire: "0",
};

/** A response body that carries the pushes of one session. */
export class PushTransport implements Transport {
  readonly name: string;
  readonly protocol: "json" | "protobuf";
  readonly format: WireFormat;
  readonly deltaFormats: DeltaFormats | undefined;
  readonly resumeMarks: ResumeMarks | undefined;
  readonly pingIntervalMs: number;
  readonly sendsDisconnectPush = true;
  readonly #kind: PushTransportKind;
  readonly #stream: ResponseStream;
  readonly #response: ServerResponse;
  #guard: StallGuard | undefined;
  #connection: UniConnection | undefined;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    kind: PushTransportKind,
    options: PushTransportOptions = {},
  ) {
    const { spec } = kind;
    this.name = spec.name;
    this.protocol = spec.protocol;
    this.pingIntervalMs = spec.pingIntervalMs;
    this.#kind = kind;
    this.#response = response;
    this.#stream = new ResponseStream(request, response);
    const formats = kind.formats[this.#stream.framing];
    this.format = formats.plain;
    this.deltaFormats = formats.delta;
    this.resumeMarks = options.resumeMarks?.(this.#stream.framing);
  }

  get bufferedBytes(): number {
    return this.#stream.bufferedBytes;
  }

  /** Runs the client's request; the transport lives until either side ends. */
  run(protocol: UniProtocol, request: ConnectRequest, headers: IncomingMessage["headers"]): void {
    const connection = protocol.accept(this);
    this.#connection = connection;
    this.#response.once("close", () => {
      this.#guard?.stop();
      this.#connection?.closed();
    });
    // With refusals the status depends on the outcome, so nothing may be sent before it is known.
    const { preamble, refusals } = this.#kind.spec;
    if (preamble !== undefined && refusals?.enabled !== true) this.#start();
    connection.connect(request, (name) => {
      const value = headers[name];
      return Array.isArray(value) ? value.join(", ") : value;
    });
  }

  write(bytes: Uint8Array): void {
    if (!this.#stream.started) this.#start();
    this.#stream.write(bytes);
    this.#watch(bytes.byteLength);
  }

  refuse(failure: ClientError | Disconnect): boolean {
    const { refusals } = this.#kind.spec;
    if (refusals?.enabled !== true || this.#stream.started) return false;
    const { status, body } = refusals.answer(failure);
    this.#response.writeHead(status, {
      "Content-Type": "text/plain; charset=utf-8",
      "Content-Length": Buffer.byteLength(body),
    });
    this.#response.end(body);
    return true;
  }

  close(_reason: Disconnect): void {
    const { epilogue } = this.#kind.spec;
    if (epilogue !== undefined && this.#stream.started) this.#stream.writeUnframed(epilogue);
    this.#stream.end();
    this.#watch(0);
  }

  abort(_reason: Disconnect): void {
    this.#stream.abort();
  }

  #start(): void {
    this.#stream.start(200, this.#kind.headers);
    const { preamble } = this.#kind.spec;
    if (preamble !== undefined) this.#stream.writeUnframed(preamble);
  }

  #watch(bytes: number): void {
    if (this.#guard === undefined) {
      const socket = this.#stream.socket;
      if (socket === undefined || socket.writableLength === 0) return;
      this.#guard = new StallGuard(socket, this.#kind.spec.wheel, WRITE_TIMEOUT_MS, () => this.#stalled());
    }
    this.#guard.wrote(bytes);
  }

  #stalled(): void {
    this.abort(disconnect("writeError"));
  }
}
