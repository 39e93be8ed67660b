import * as ws from "ws";

type Parameters = Readonly<Record<string, unknown>>;
type Inflated = (error: Error | null, bytes?: Buffer) => void;

/** permessage-deflate of `ws`, as far as it is used. */
interface PerMessageDeflate {
  /** Decides for one of the client's offers; throws where it can take none. */
  accept(offers: readonly Parameters[]): Parameters;
  decompress(bytes: Buffer, isFinal: boolean, done: Inflated): void;
  /** Throws later, out of reach of everybody, where something is being decompressed. */
  cleanup(): void;
}

interface PerMessageDeflateOptions {
  readonly isServer: true;
  readonly maxPayload: number;
  readonly serverNoContextTakeover: true;
  readonly clientNoContextTakeover: true;
}

// The published types leave these parts out.
const { PerMessageDeflate: WsPerMessageDeflate, extension } = ws as unknown as {
  PerMessageDeflate: new (options: PerMessageDeflateOptions) => PerMessageDeflate;
  extension: {
    /** Reads the header with the client's offers; throws SyntaxError where it is malformed. */
    parse(header: string): Readonly<Record<string, readonly Parameters[]>>;
    format(extensions: Readonly<Record<string, readonly Parameters[]>>): string;
  };
};

/** Name of the extension (RFC 7692 §7). */
export const PERMESSAGE_DEFLATE = "permessage-deflate";
/** Shared compressed frames need the full window. */
const FULL_WINDOW_BITS = 15;
const NOTHING = Buffer.alloc(0);

/** Decompression of what one client sends. */
export class Inflation {
  readonly #deflate: PerMessageDeflate;
  #isUnderWay = false;
  #hasStopped = false;

  constructor(deflate: PerMessageDeflate) {
    this.#deflate = deflate;
  }

  /** Decompresses the payload of a frame; called by the parser of `ws`, for one at a time. */
  decompress(bytes: Buffer, isFinal: boolean, done: Inflated): void {
    if (this.#hasStopped) {
      process.nextTick(done, null, NOTHING);
      return;
    }
    this.#isUnderWay = true;
    this.#deflate.decompress(bytes, isFinal, (error, inflated) => {
      this.#isUnderWay = false;
      if (this.#hasStopped) this.#deflate.cleanup();
      done(error, inflated);
    });
  }

  /** From now on payloads are dropped; what decompression takes is freed as soon as it may be. Idempotent. */
  stop(): void {
    if (this.#hasStopped) return;
    this.#hasStopped = true;
    if (!this.#isUnderWay) this.#deflate.cleanup();
  }
}

/** Compression that a client and the server have agreed on. */
export interface Compression {
  readonly inflation: Inflation;
  /** Bytes that a message may grow to; 0 or less for no limit. */
  readonly maxMessageBytes: number;
  /** The header that tells the client so. */
  readonly header: string;
}

/**
 * Agrees on compression without context takeover (RFC 7692 §7.1), so that compressed frames do not depend on the
 * connection. Takes the first of the client's offers that is in order and leaves the full window; undefined where
 * there is none.
 */
export function agreeOnCompression(
  header: string | undefined,
  maxMessageBytes: number,
): Compression | undefined {
  for (const offer of offersIn(header)) {
    const deflate = new WsPerMessageDeflate({
      isServer: true,
      maxPayload: Math.max(0, maxMessageBytes),
      serverNoContextTakeover: true,
      clientNoContextTakeover: true,
    });
    const accepted = acceptOffer(deflate, offer);
    if (accepted === undefined) continue;
    return {
      inflation: new Inflation(deflate),
      maxMessageBytes,
      header: extension.format({ [PERMESSAGE_DEFLATE]: [accepted] }),
    };
  }
  return undefined;
}

/** The client's offers in its order of preference; none where the header is malformed. */
function offersIn(header: string | undefined): readonly Parameters[] {
  if (header === undefined) return [];
  try {
    return extension.parse(header)[PERMESSAGE_DEFLATE] ?? [];
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}

/** What the server answers to an offer; undefined for one that it has to decline (RFC 7692 §7.1, §7.1.2.1). */
function acceptOffer(deflate: PerMessageDeflate, offer: Parameters): Parameters | undefined {
  try {
    const accepted = deflate.accept([offer]);
    const windowBits = accepted["server_max_window_bits"] ?? FULL_WINDOW_BITS;
    return windowBits === FULL_WINDOW_BITS ? accepted : undefined;
  } catch {
    return undefined;
  }
}
