import { randomBytes } from "node:crypto";

/*
 * A connection's socket id and its client id are two spellings of the same 96 random bits, so that either is found
 * from the other on every node without an index: `<first 48>.<last 48>` in decimal, and a UUID of version 8 with the
 * same bits in its first and last twelve digits (RFC 9562 §5.8).
 */

const CUSTOM_BITS = "-8000-8000-";
const SOCKET_ID = /^(\d{1,15})\.(\d{1,15})$/u;
const MAX_48_BITS = 2 ** 48 - 1;

/** A new client id of which a socket id can be made. */
export function newClientId(): string {
  const hex = randomBytes(12).toString("hex");
  return clientId(hex.slice(0, 12), hex.slice(12));
}

/** The socket id of such a client id. */
export function socketIdOf(client: string): string {
  const high = client.slice(0, 8) + client.slice(9, 13);
  return `${Number.parseInt(high, 16)}.${Number.parseInt(client.slice(-12), 16)}`;
}

/** The client id of a socket id; undefined where it is none of ours. */
export function clientIdOf(socketId: string): string | undefined {
  const [, high, low] = SOCKET_ID.exec(socketId) ?? [];
  if (high === undefined || low === undefined) return undefined;
  if (Number(high) > MAX_48_BITS || Number(low) > MAX_48_BITS) return undefined;
  return clientId(hex48(high), hex48(low));
}

/** Whether it is a socket id at all (docs/protocols/pusher.md §1.2). */
export function isSocketId(text: string): boolean {
  return /^\d+\.\d+$/u.test(text);
}

function hex48(decimal: string): string {
  return Number(decimal).toString(16).padStart(12, "0");
}

function clientId(high: string, low: string): string {
  return `${high.slice(0, 8)}-${high.slice(8)}${CUSTOM_BITS}${low}`;
}
