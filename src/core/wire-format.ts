import type { Push } from "./push.ts";

/** What a codec makes of a push that its protocol has no words for: nothing is sent. Told apart by identity. */
export const NOTHING: Uint8Array = new Uint8Array(0);

/** Push → message bytes, for one protocol and encoding. */
export interface Codec {
  /** Unique name, such as "centrifugo-json". */
  readonly id: string;
  /**
   * Message bytes without framing; `NOTHING` where the protocol has no words for the push, undefined when this
   * encoding cannot carry it (binary data in JSON).
   */
  encode(push: Push): Uint8Array | undefined;
}

/** A transport's wrapping of messages. */
export interface Framer {
  /** Unique name, such as "websocket-text". */
  readonly id: string;
  /** One message as it is queued; shared by all sessions of the format. */
  frame(message: Uint8Array): Uint8Array;
  /** The bytes for several queued messages, one after the other; shared like the frames. At least two are given. */
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

  /** A framed push; `NOTHING` where there is nothing to be said, undefined when the encoding cannot carry it. */
  encode(push: Push): Uint8Array | undefined {
    const message = this.#codec.encode(push);
    return message === undefined || message === NOTHING ? message : this.#framer.frame(message);
  }

  /** A message that is not a push, framed. */
  frame(message: Uint8Array): Uint8Array {
    return this.#framer.frame(message);
  }

  /** The bytes for several frames of this format, one after the other. */
  join(frames: readonly Uint8Array[]): Uint8Array {
    return this.#framer.join(frames);
  }
}

/** The formats that one framing of an encoding needs. */
export interface WireFormats {
  readonly plain: WireFormat;
  /** Undefined where the encoding has no differences. */
  readonly delta: DeltaFormats | undefined;
}

/** Frames an encoding's codecs. */
export function frameAll(codecs: Codecs, framer: Framer): WireFormats {
  const { codec, deltaCodecs } = codecs;
  const plain = new WireFormat(codec, framer);
  if (deltaCodecs === undefined) return { plain, delta: undefined };
  const whole = new WireFormat(deltaCodecs.whole, framer);
  return { plain, delta: { whole, patch: new WireFormat(deltaCodecs.patch, framer) } };
}

/** The codecs of one encoding. */
export interface Codecs {
  readonly codec: Codec;
  /** Codecs of publications as differences; undefined where the encoding has none. */
  readonly deltaCodecs: { readonly whole: Codec; readonly patch: Codec } | undefined;
}

/** The formats of publications for sessions that asked for differences. */
export interface DeltaFormats {
  /** The whole payload, in the form that differences apply to. */
  readonly whole: WireFormat;
  /** The difference to the publication before, or the whole payload where there is none or it is shorter. */
  readonly patch: WireFormat;
}
