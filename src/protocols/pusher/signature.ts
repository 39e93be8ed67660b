import { createHmac } from "node:crypto";
import { constantTimeEqual } from "../../lib/constant-time.ts";

/** Lower-case hex HMAC-SHA256, as everything in the protocol is signed. */
export function sign(secret: string, text: string | Uint8Array): string {
  return createHmac("sha256", secret).update(text).digest("hex");
}

/** Whether a signature of the text was made with the secret. Takes the same time for every wrong one. */
export function isSignatureOf(signature: string, secret: string, text: string | Uint8Array): boolean {
  return constantTimeEqual(signature, sign(secret, text));
}

/** Whose key stands in front of a signature, as in `<key>:<signature>`. */
interface Signer {
  readonly key: string;
  readonly secret: string;
}

/**
 * Whether `auth` lets a connection subscribe to a channel, with the data if there is any
 * (docs/protocols/pusher.md §2.2).
 */
export function authorizesSubscription(
  auth: string,
  signer: Signer,
  socketId: string,
  channel: string,
  channelData: string | undefined,
): boolean {
  const data = channelData === undefined ? "" : `:${channelData}`;
  return isAuthOf(auth, signer, `${socketId}:${channel}${data}`);
}

/** Whether `auth` lets a connection sign in as the user of the data (docs/protocols/pusher.md §3.1). */
export function authorizesSignIn(auth: string, signer: Signer, socketId: string, userData: string): boolean {
  return isAuthOf(auth, signer, `${socketId}::user::${userData}`);
}

function isAuthOf(auth: string, { key, secret }: Signer, text: string): boolean {
  return constantTimeEqual(auth, `${key}:${sign(secret, text)}`);
}
