import { decodeBase64 } from "../../lib/base64.ts";
import { apiError } from "../api-error.ts";

/**
 * The value of a field that has a twin in base64, which wins; undefined when neither is set. It is a copy, for
 * it outlives the request.
 * @throws ClientError 107 for base64 that is none
 */
export function payloadOf(raw: Uint8Array, base64: string): Uint8Array | undefined {
  if (base64 === "") return raw.length === 0 ? undefined : new Uint8Array(raw);
  const decoded = decodeBase64(base64);
  if (decoded === undefined) throw apiError("badRequest");
  return decoded;
}
