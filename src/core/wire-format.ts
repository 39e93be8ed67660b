import type { Push } from "./push.ts";

/** Push → message bytes, for one protocol and encoding. */
export interface Codec {
  /** Unique name, such as "centrifugo-json". */
  readonly id: string;
  /** Message bytes without framing; undefined when this encoding cannot carry the push (binary data in JSON). */
  encode(push: Push): Uint8Array | undefined;
}

/** A transport's wrapping of messages. */
export interface Framer {
  /** Unique name, such as "websocket-text". */
  readonly id: string;
  /** One message as it is queued; shared by all sessions of the format. */
  frame(message: Uint8Array): Uint8Array;
  /** The bytes for several queued messages in a row; shared like the frames. At least two are given. */
  join(frames: readonly Uint8Array[]): Uint8Array;
}

/** Codec and framer together: what determines the bytes of a push. The identity of the object is the cache key. */
export class WireFormat {
  readonly id: string;
  readonly #codec: Codec;
  readonly #framer: Framer;

  constructor(codec: Codec, framer: Framer) {
    this.id = `${codec.id}/${framer.id}`;
    this.#codec = codec;
    this.#framer = framer;
  }

  /** A framed push; undefined when the encoding cannot carry it. */
  encode(push: Push): Uint8Array | undefined {
    const message = this.#codec.encode(push);
    return message === undefined ? undefined : this.#framer.frame(message);
  }

  /** The bytes for several frames of this format in a row. */
  join(frames: readonly Uint8Array[]): Uint8Array {
    return this.#framer.join(frames);
  }
}
