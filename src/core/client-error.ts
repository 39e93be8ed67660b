/**
 * A request that was understood and refused: the code and message of a reply.
 *
 * Whoever made the request sees code and message; the cause is for the log.
 */
export class ClientError extends Error {
  override readonly name = "ClientError";
  readonly code: number;
  /** True where the same request may succeed later. */
  readonly temporary: boolean;

  constructor(code: number, message: string, temporary: boolean, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.temporary = temporary;
  }
}

/** Names of the entries of the table. */
export type ClientErrorName =
  | "internal"
  | "unauthorized"
  | "unknownChannel"
  | "permissionDenied"
  | "methodNotFound"
  | "notFound"
  | "alreadySubscribed"
  | "limitExceeded"
  | "badRequest"
  | "notAvailable"
  | "tokenExpired"
  | "tokenNotYetValid"
  | "expired"
  | "tooManyRequests"
  | "unrecoverablePosition"
  | "conflict";

/** The closed table of errors (docs/protocols/unidirectional.md §5.3, docs/protocols/server-api.md §1.5): code, message, temporary. */
const TABLE: Readonly<Record<ClientErrorName, readonly [code: number, message: string, temporary: boolean]>> =
  {
    internal: [100, "internal server error", true],
    unauthorized: [101, "unauthorized", false],
    unknownChannel: [102, "unknown channel", false],
    permissionDenied: [103, "permission denied", false],
    methodNotFound: [104, "method not found", false],
    // The same to callers of the server API.
    notFound: [104, "not found", false],
    alreadySubscribed: [105, "already subscribed", false],
    limitExceeded: [106, "limit exceeded", false],
    badRequest: [107, "bad request", false],
    notAvailable: [108, "not available", false],
    tokenExpired: [109, "token expired", false],
    // The code of an expired one, as upstream: its client can do the same about it, get another or come back later.
    tokenNotYetValid: [109, "token not valid yet", true],
    expired: [110, "expired", false],
    tooManyRequests: [111, "too many requests", true],
    unrecoverablePosition: [112, "unrecoverable position", false],
    conflict: [113, "conflict", false],
  };

/** An error of the table, with the cause kept for the log. */
export function clientError(name: ClientErrorName, cause?: unknown): ClientError {
  const [code, message, temporary] = TABLE[name];
  return new ClientError(code, message, temporary, cause === undefined ? undefined : { cause });
}

/** Error 107 that names the field with what is wrong about it, for callers of the server API. */
export function badRequest(field: string, problem: string): ClientError {
  const [code, message, temporary] = TABLE.badRequest;
  return new ClientError(code, `${message}: ${field}: ${problem}`, temporary);
}
