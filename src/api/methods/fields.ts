import { badRequest } from "../../core/client-error.ts";
import { decodeBase64 } from "../../lib/base64.ts";

/** @throws ClientError 107 for an empty text */
export function requireText(field: string, text: string): void {
  if (text === "") throw badRequest(field, "missing");
}

/**
 * The bytes of a field in base64.
 * @throws ClientError 107 for base64 that is none
 */
export function base64Of(field: string, text: string): Buffer {
  const decoded = decodeBase64(text);
  if (decoded === undefined) throw badRequest(field, "not base64 of the standard alphabet, with padding");
  return decoded;
}

/**
 * The value of a field that has a twin in base64, which wins; undefined when neither is set. It is a copy, for
 * it outlives the request.
 * @throws ClientError 107 for base64 that is none
 */
export function payloadOf(raw: Uint8Array, base64Field = "", base64 = ""): Uint8Array | undefined {
  if (base64 !== "") return base64Of(base64Field, base64);
  return raw.length === 0 ? undefined : new Uint8Array(raw);
}

/**
 * A time of a request, Unix seconds; undefined when it is not set.
 * @throws ClientError 107 for a negative one
 */
export function timeOf(field: string, sec: bigint): number | undefined {
  if (sec < 0n) throw badRequest(field, "negative");
  return sec === 0n ? undefined : Number(sec);
}

/** Users that one call may be about. */
const MAX_USERS = 10_000;

/**
 * The users of a request.
 * @throws ClientError 107 where there are none, or too many, or one without a name
 */
export function usersOf(users: readonly string[]): readonly string[] {
  if (users.length === 0) throw badRequest("users", "missing");
  if (users.length > MAX_USERS) throw badRequest("users", `more than ${MAX_USERS}`);
  if (users.includes("")) throw badRequest("users", "an empty user id");
  return users;
}
