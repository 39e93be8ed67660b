import type { BidiSettings, CloseMessage } from "../../core/bidi-protocol.ts";
import { Disconnect } from "../../core/disconnect.ts";

/**
 * An error of the connection: a code of docs/protocols/pusher.md §1.5, or none where there is no reaction to it but
 * reading it.
 */
export function errorFrame(code: number | undefined, message: string): Buffer {
  return frameOf("pusher:error", JSON.stringify({ code: code ?? null, message }));
}

/** Why a channel is not to be had (docs/protocols/pusher.md §2.3): what `pusher:subscription_error` carries. */
export interface SubscriptionProblem {
  readonly type: "AuthError" | "LimitReached" | "InvalidChannel" | "ServerError";
  readonly error: string;
  readonly status: number;
}

export function subscriptionErrorFrame(channel: string, problem: SubscriptionProblem): Buffer {
  return frameOf("pusher:subscription_error", JSON.stringify(problem), channel);
}

/** What tells which watched users have come online or gone offline (docs/protocols/pusher.md §3.3). */
export function watchlistText(online: readonly string[], offline: readonly string[]): string {
  const events = [
    { name: "online", user_ids: online },
    { name: "offline", user_ids: offline },
  ];
  return JSON.stringify({ events: events.filter(({ user_ids: ids }) => ids.length > 0) });
}

/** A message whose `data` is the JSON text as it stands. */
export function frameOf(event: string, dataJson: string, channel?: string): Buffer {
  const ofChannel = channel === undefined ? "" : `,"channel":${JSON.stringify(channel)}`;
  return Buffer.from(`{"event":${JSON.stringify(event)}${ofChannel},"data":${dataJson}}`);
}

/** A message whose `data` is a string that holds the JSON text, as most of the protocol's events have it. */
export function stringDataFrame(event: string, data: string, channel?: string): Buffer {
  return frameOf(event, JSON.stringify(data), channel);
}

/** Codes of `pusher:error` and of close frames (docs/protocols/pusher.md §1.5). */
export const PUSHER_CODE = {
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

/** The end of a connection in the protocol's own words. */
export function pusherClose(code: keyof typeof PUSHER_CODE, reason: string): Disconnect {
  return new Disconnect(PUSHER_CODE[code], reason);
}

const OWN_CODES: ReadonlySet<number> = new Set(Object.values(PUSHER_CODE));

/**
 * Disconnects of the core that are told as something more definite than whether to come back: not at once, where the
 * server is in trouble.
 */
const TRANSLATED: ReadonlyMap<number, number> = new Map([
  [3004, PUSHER_CODE.overCapacity],
  [3005, PUSHER_CODE.unauthorized],
  [3008, PUSHER_CODE.overCapacity],
  [3009, PUSHER_CODE.overCapacity],
  [3013, PUSHER_CODE.overCapacity],
  [3502, PUSHER_CODE.overCapacity],
  [3504, PUSHER_CODE.connectionQuota],
]);

/**
 * Since this version of the protocol, the close frame alone tells why a connection ends
 * (docs/protocols/pusher.md §1.5).
 */
const CLOSE_FRAME_VERSION = 6;
const NO_MESSAGE = new Uint8Array(0);

/** How the end of a connection is told in a version of the protocol: by its code, before which older ones need the error. */
export function closeMessagesOf(version: number): BidiSettings["closeMessage"] {
  return version >= CLOSE_FRAME_VERSION ? closeByFrame : closeByError;
}

function closeByFrame({ code, reason }: Disconnect): CloseMessage {
  return { message: NO_MESSAGE, code: ownCodeOf(code), reason };
}

function closeByError({ code, reason }: Disconnect): CloseMessage {
  const ownCode = ownCodeOf(code);
  return { message: errorFrame(ownCode, reason), code: ownCode, reason };
}

/** The protocol's own code for a code of the core. */
function ownCodeOf(code: number): number {
  return OWN_CODES.has(code) ? code : (TRANSLATED.get(code) ?? codeByRange(code));
}

/**
 * Whether clients of the core come back says whether those of Pusher do
 * (docs/protocols/pusher.md §1.5, docs/protocols/unidirectional.md §5.1).
 */
function codeByRange(code: number): number {
  const comesBack = code < 3500 || (code >= 4000 && code < 4500) || code >= 5000;
  return comesBack ? PUSHER_CODE.reconnect : PUSHER_CODE.unauthorized;
}
