import { apiError } from "../api-error.ts";

/**
 * A time of a request, Unix seconds; undefined when it is not set.
 * @throws ClientError 107 for a negative one
 */
export function timeOf(sec: bigint): number | undefined {
  if (sec < 0n) throw apiError("badRequest");
  return sec === 0n ? undefined : Number(sec);
}
