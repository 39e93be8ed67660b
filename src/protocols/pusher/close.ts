import { Disconnect } from "../../core/disconnect.ts";

/** Codes of `pusher:error` and of close frames (pusher §1). */
export const PUSHER_CODE = {
  malformed: 4000,
  unknownApp: 4001,
  disabledApp: 4003,
  connectionQuota: 4004,
  badVersion: 4006,
  unsupportedVersion: 4007,
  unauthorized: 4009,
  overCapacity: 4100,
  reconnect: 4200,
  pongTimeout: 4201,
  clientEvent: 4301,
  watchlistTruncated: 4302,
} as const;

/** The end of a connection in the protocol's own codes: they stay as they are. */
export class PusherClose extends Disconnect {
  constructor(code: keyof typeof PUSHER_CODE, reason: string) {
    super(PUSHER_CODE[code], reason);
  }
}

/** Disconnects of the core that are told as something more definite than whether to come back. */
const CODES: ReadonlyMap<number, number> = new Map([
  [3005, PUSHER_CODE.unauthorized],
  [3008, PUSHER_CODE.overCapacity],
  [3504, PUSHER_CODE.connectionQuota],
]);

/** Whether clients of the core come back after a disconnect of this code. */
function asksToReconnect(code: number): boolean {
  return code < 3500 || (code >= 4000 && code < 4500) || code >= 5000;
}

/** How a disconnect is told to a Pusher client: at once back, or not by itself. */
export function closeCodeOf(reason: Disconnect): number {
  if (reason instanceof PusherClose) return reason.code;
  return (
    CODES.get(reason.code) ??
    (asksToReconnect(reason.code) ? PUSHER_CODE.reconnect : PUSHER_CODE.unauthorized)
  );
}
