import { invalidToken } from "./invalid-token.ts";
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
  readonly text: string;
  readonly header: TokenHeader;
  /** The claims as JSON text in UTF-8, byte for byte. */
  readonly claims: Uint8Array;
}

/**
 * Takes a JWT in compact form apart (RFC 7515 §7.1); throws Disconnect 3500 when it has not that shape.
 *
 * Base64url is read strictly: there is one spelling for each signature, so that changing any character of a
 * token invalidates it.
 */
export function parseCompactToken(text: string): CompactToken {
  // Every header begins with `{"`.
  if (!text.startsWith("eyJ")) throw invalidToken("not a JWT");
  const [header, claims, signature, ...rest] = text.split(".", 4);
  if (header === undefined || claims === undefined || signature === undefined || rest.length > 0) {
    throw invalidToken("not three parts");
  }
  decodeBase64Url(signature);
  return { text, header: parseHeader(decodeBase64Url(header)), claims: decodeBase64Url(claims) };
}

function parseHeader(json: Uint8Array): TokenHeader {
  const header = JsonObject.parse(json, "header");
  header.string("typ");
  header.string("cty");
  return { algorithm: header.string("alg"), keyId: header.string("kid") };
}

function decodeBase64Url(text: string): Uint8Array {
  const bytes = Buffer.from(text, "base64url");
  if (bytes.toString("base64url") !== text) throw invalidToken("not base64url");
  return bytes;
}
