import * as ws from "ws";
import type { Inflation } from "./frame-reader.ts";

type Parameters = Readonly<Record<string, unknown>>;

/** permessage-deflate of `ws`, as far as it is used. */
interface PerMessageDeflate extends Inflation {
  /** Decides for one of the client's offers; throws where it can take none. */
  accept(offers: readonly Parameters[]): Parameters;
}

interface PerMessageDeflateOptions {
  readonly isServer: true;
  readonly maxPayload: number;
  readonly serverNoContextTakeover: true;
  readonly clientNoContextTakeover: true;
  readonly serverMaxWindowBits: number;
}

// The published types leave these parts out.
const { PerMessageDeflate, extension } = ws as unknown as {
  PerMessageDeflate: new (options: PerMessageDeflateOptions) => PerMessageDeflate;
  extension: {
    /** Reads the header with the client's offers; throws where it is malformed. */
    parse(header: string): Readonly<Record<string, readonly Parameters[]>>;
    format(extensions: Readonly<Record<string, readonly Parameters[]>>): string;
  };
};

const NAME = "permessage-deflate";
/** Shared compressed frames need the full window; clients that offer less only go on uncompressed. */
const FULL_WINDOW_BITS = 15;
const DEFLATE_OFFER = /^\s*permessage-deflate\s*(;|$)/u;
const SMALLER_WINDOW = /;\s*server_max_window_bits\s*=\s*"?(8|9|1[0-4])"?\s*(;|$)/u;

/** Compression that a client and the server have agreed on. */
export interface Compression {
  readonly inflation: Inflation;
  /** The header that tells the client so. */
  readonly header: string;
}

/**
 * Agrees on compression without context takeover (RFC 7692 §7.1), so that compressed frames do not depend on the
 * connection. Undefined where the client does not offer it with the full window. Throws for malformed offers.
 */
export function agreeOnCompression(
  offers: string | undefined,
  maxMessageBytes: number,
): Compression | undefined {
  if (offers === undefined || !offersFullWindow(offers)) return undefined;
  const inflation = new PerMessageDeflate({
    isServer: true,
    maxPayload: Math.max(0, maxMessageBytes),
    serverNoContextTakeover: true,
    clientNoContextTakeover: true,
    serverMaxWindowBits: FULL_WINDOW_BITS,
  });
  const accepted = inflation.accept(extension.parse(offers)[NAME] ?? []);
  return { inflation, header: extension.format({ [NAME]: [accepted] }) };
}

/** Whether a client takes compressed frames that need the full window (RFC 7692 §7.1.2.1). */
function offersFullWindow(offers: string): boolean {
  return offers.split(",").some((offer) => DEFLATE_OFFER.test(offer) && !SMALLER_WINDOW.test(offer));
}
