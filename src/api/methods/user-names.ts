import { apiError } from "../api-error.ts";

/** Users that one call may be about. */
const MAX_USERS = 10_000;

/**
 * The users of a request.
 * @throws ClientError 107 where there are none, or too many, or one without a name
 */
export function usersOf(users: readonly string[]): readonly string[] {
  if (users.length === 0 || users.length > MAX_USERS || users.includes("")) throw apiError("badRequest");
  return users;
}
