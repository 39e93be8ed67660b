import { invalidToken } from "./token-refusal.ts";
import { JsonObject } from "./json-object.ts";

/** What a token says about its signature. Nobody has vouched for it yet. */
export interface TokenHeader {
  /** `alg`; "" when absent. */
  readonly algorithm: string;
  /** `kid`; "" when absent. */
  readonly keyId: string;
}

/** A JWT taken apart, not verified. */
export interface CompactToken {
  readonly header: TokenHeader;
  /** The claims as JSON text in UTF-8, byte for byte. */
  readonly claims: Uint8Array;
  /** What the signature is over: the first two parts as they came. ASCII. */
  readonly signedText: string;
  readonly signature: Buffer;
}

const LINE_BREAKS = /[\r\n]/g;

/**
 * Takes a JWT in compact form apart (RFC 7515 §7.1); throws Disconnect 3500 when it has not that shape.
 *
 * Base64url is read strictly: there is one spelling for each signature, so that changing any character of a
 * token invalidates it. Line breaks do not count, as for upstream; text files tend to end in one.
 */
export function parseCompactToken(text: string): CompactToken {
  // Every header begins with `{"`.
  if (!text.startsWith("eyJ")) throw invalidToken("token_malformed", "not a JWT");
  const [header, claims, signature, ...rest] = text.split(".", 4);
  if (header === undefined || claims === undefined || signature === undefined || rest.length > 0) {
    throw invalidToken("token_malformed", "not three parts");
  }
  return {
    signature: decodeBase64Url(signature),
    header: parseHeader(decodeBase64Url(header)),
    claims: decodeBase64Url(claims),
    signedText: text.slice(0, header.length + 1 + claims.length),
  };
}

/** An extension that must be understood (RFC 7515 §4.1.11) is not: there are none here. */
function parseHeader(json: Uint8Array): TokenHeader {
  const header = JsonObject.parse(json, "header");
  header.string("typ");
  header.string("cty");
  if (header.raw("crit") !== undefined)
    throw invalidToken("token_malformed", "crit names unknown extensions");
  return { algorithm: header.string("alg"), keyId: header.string("kid") };
}

function decodeBase64Url(text: string): Buffer {
  const digits = text.replace(LINE_BREAKS, "");
  const bytes = Buffer.from(digits, "base64url");
  if (bytes.toString("base64url") !== digits) throw invalidToken("token_malformed", "not base64url");
  return bytes;
}
