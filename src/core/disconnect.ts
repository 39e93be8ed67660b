/**
 * The reason a connection ends, as its client sees it.
 *
 * Codes 3000–3499, 4000–4499 and from 5000 ask the client to reconnect; 3500–3999 and 4500–4999 ask it not to.
 * Thrown where a request cannot be served and the connection must go; sent as a `disconnect` push and, on
 * WebSocket, as the close frame.
 */
export class Disconnect extends Error {
  override readonly name = "Disconnect";
  readonly code: number;
  readonly reason: string;

  constructor(code: number, reason: string, options?: ErrorOptions) {
    super(`${code} ${reason}`, options);
    this.code = code;
    this.reason = reason;
  }
}

/** Names of the entries of the table. */
export type DisconnectName =
  | "connectionClosed"
  | "shutdown"
  | "serverError"
  | "expired"
  | "notYetValid"
  | "subscriptionExpired"
  | "slow"
  | "writeError"
  | "insufficientState"
  | "forceReconnect"
  | "tooManyRequests"
  | "stateInvalidated"
  | "invalidToken"
  | "badRequest"
  | "stale"
  | "forceNoReconnect"
  | "connectionLimit"
  | "channelLimit"
  | "inappropriateProtocol"
  | "permissionDenied";

/** The closed table of disconnects that Millrace itself decides on (docs/protocols/unidirectional.md §5.1). */
const TABLE: Readonly<Record<DisconnectName, readonly [code: number, reason: string]>> = {
  connectionClosed: [3000, "connection closed"],
  shutdown: [3001, "shutdown"],
  serverError: [3004, "internal server error"],
  expired: [3005, "connection expired"],
  notYetValid: [3005, "token not valid yet"],
  subscriptionExpired: [3006, "subscription expired"],
  slow: [3008, "slow"],
  writeError: [3009, "write error"],
  insufficientState: [3010, "insufficient state"],
  forceReconnect: [3011, "force reconnect"],
  tooManyRequests: [3013, "too many requests"],
  stateInvalidated: [3014, "state invalidated"],
  invalidToken: [3500, "invalid token"],
  badRequest: [3501, "bad request"],
  stale: [3502, "stale"],
  forceNoReconnect: [3503, "force disconnect"],
  connectionLimit: [3504, "connection limit"],
  channelLimit: [3505, "channel limit"],
  inappropriateProtocol: [3506, "inappropriate protocol"],
  permissionDenied: [3507, "permission denied"],
};

/** A disconnect of the table, with the cause kept for the log. */
export function disconnect(name: DisconnectName, cause?: unknown): Disconnect {
  const [code, reason] = TABLE[name];
  return new Disconnect(code, reason, cause === undefined ? undefined : { cause });
}
