/** Hand-made HTTP/2 (RFC 9113) and HPACK (RFC 7541): as much as a cheap load generator needs. */

export const FRAME_HEADER_BYTES = 9;

export const frameType = {
  data: 0,
  headers: 1,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
};
export const frameFlag = { endStream: 1, ack: 1, endHeaders: 4 };

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const INITIAL_WINDOW_BYTES = 65_535;
const MAX_WINDOW_BYTES = 2 ** 31 - 1;
const SETTING_INITIAL_WINDOW_SIZE = 4;

/** One frame. */
export function frame(type: number, flags: number, streamId: number, payload: Uint8Array): Buffer {
  const header = Buffer.alloc(FRAME_HEADER_BYTES);
  header.writeUIntBE(payload.byteLength, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(streamId, 5);
  return Buffer.concat([header, payload]);
}

/** What a client sends first: preface, and windows so large that the server never waits for an update. */
export function connectionOpening(): Buffer {
  const settings = Buffer.alloc(6);
  settings.writeUInt16BE(SETTING_INITIAL_WINDOW_SIZE, 0);
  settings.writeUInt32BE(MAX_WINDOW_BYTES, 2);
  return Buffer.concat([
    PREFACE,
    frame(frameType.settings, 0, 0, settings),
    windowUpdate(0, MAX_WINDOW_BYTES - INITIAL_WINDOW_BYTES),
  ]);
}

/** Lets the server send so many more bytes; stream 0 is the connection. */
export function windowUpdate(streamId: number, bytes: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(bytes, 0);
  return frame(frameType.windowUpdate, 0, streamId, payload);
}

/** A message as gRPC frames it: not compressed, length, bytes. */
export function grpcMessage(message: Uint8Array): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.byteLength, 1);
  return Buffer.concat([prefix, message]);
}

/** The static table's `:method: POST` and `:scheme: http`. */
const POST_HTTP = Buffer.from([0x83, 0x86]);
const FIRST_DYNAMIC_INDEX = 62;

/** Header blocks of the requests on one connection: the first fills the dynamic table, the others refer to it. */
export interface HeaderBlocks {
  readonly first: Buffer;
  readonly next: Buffer;
}

/** Header blocks of a gRPC request. */
export function grpcHeaders(path: string, metadata: Readonly<Record<string, string>>): HeaderBlocks {
  const fields = Object.entries({
    ":path": path,
    ":authority": "localhost",
    te: "trailers",
    "content-type": "application/grpc",
    ...metadata,
  });
  const literals = fields.map(([name, value]) =>
    Buffer.concat([Buffer.from([0x40]), text(name), text(value)]),
  );
  const indices = fields.map((_, at) => 0x80 + FIRST_DYNAMIC_INDEX + at);
  return {
    first: Buffer.concat([POST_HTTP, ...literals]),
    next: Buffer.concat([POST_HTTP, Buffer.from(indices.toReversed())]),
  };
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  if (bytes.byteLength > 126) throw new Error(`header too long for the benchmark's encoder: ${value}`);
  return Buffer.concat([Buffer.from([bytes.byteLength]), bytes]);
}

/** Who wants to know what a connection receives. */
export interface FrameListener {
  /** A whole frame has arrived; `payloadBytes` is its length. */
  onFrame(type: number, flags: number, streamId: number, payloadBytes: number): void;
  /** A piece of a DATA frame: `bytes` from `start` to `end`, valid during the call. */
  onData?(bytes: Uint8Array, start: number, end: number): void;
  /** The peer waits for these bytes (acknowledgements). */
  onReply(bytes: Buffer): void;
}

/** Splits a connection's bytes into frames, looking into hardly anything; acknowledges SETTINGS and PING. */
export class FrameReader {
  readonly #listener: FrameListener;
  readonly #header = Buffer.alloc(FRAME_HEADER_BYTES);
  readonly #ping = Buffer.alloc(8);
  #headerFill = 0;
  #payloadLeft = 0;

  constructor(listener: FrameListener) {
    this.#listener = listener;
  }

  /** Takes the first `length` bytes of a buffer, which may be reused afterwards. */
  read(bytes: Uint8Array, length: number): void {
    let at = 0;
    while (at < length) {
      if (this.#headerFill < FRAME_HEADER_BYTES) {
        this.#header[this.#headerFill++] = bytes[at++] ?? 0;
        if (this.#headerFill === FRAME_HEADER_BYTES) {
          this.#payloadLeft = this.#payloadBytes();
          if (this.#payloadLeft === 0) this.#complete();
        }
        continue;
      }
      const step = Math.min(this.#payloadLeft, length - at);
      if (this.#header[3] === frameType.ping) {
        this.#ping.set(bytes.subarray(at, at + step), 8 - this.#payloadLeft);
      } else if (this.#header[3] === frameType.data) {
        this.#listener.onData?.(bytes, at, at + step);
      }
      at += step;
      this.#payloadLeft -= step;
      if (this.#payloadLeft === 0) this.#complete();
    }
  }

  #payloadBytes(): number {
    return this.#header.readUIntBE(0, 3);
  }

  #complete(): void {
    const type = this.#header[3] ?? 0;
    const flags = this.#header[4] ?? 0;
    this.#headerFill = 0;
    const acknowledged = (flags & frameFlag.ack) !== 0;
    if (type === frameType.settings && !acknowledged) {
      this.#listener.onReply(frame(type, frameFlag.ack, 0, new Uint8Array(0)));
    } else if (type === frameType.ping && !acknowledged) {
      this.#listener.onReply(frame(type, frameFlag.ack, 0, this.#ping));
    }
    this.#listener.onFrame(type, flags, this.#header.readUInt32BE(5), this.#payloadBytes());
  }
}
