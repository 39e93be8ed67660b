import { unescape } from "node:querystring";
import type { PusherAppConfig, WebhookConfig } from "../config.ts";
import { sign } from "../signature.ts";
import type { WebhookEvent } from "./event.ts";

/** One POST: the same bytes with every attempt. */
export interface WebhookRequest {
  readonly url: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer>;
}

/**
 * What tells an endpoint of events (docs/protocols/pusher.md §5), signed with the secret of the app.
 *
 * The content type has no parameters: Pusher's SDK takes `; charset=utf-8` for an invalid webhook. Headers of the
 * configuration do not replace those of the protocol.
 */
export function createWebhookRequest(
  { key, secret }: Pick<PusherAppConfig, "key" | "secret">,
  webhook: Pick<WebhookConfig, "url" | "headers">,
  events: readonly WebhookEvent[],
  timeMs: number,
): WebhookRequest {
  const body = Buffer.from(JSON.stringify({ time_ms: timeMs, events }));
  const extra = Object.entries(webhook.headers).map(([name, value]) => [name.toLowerCase(), value]);
  const { url, authorization } = splitCredentials(webhook.url);
  return {
    url,
    headers: {
      ...authorization,
      ...Object.fromEntries(extra),
      "content-type": "application/json",
      "x-pusher-key": key,
      "x-pusher-signature": sign(secret, body),
    },
    body,
  };
}

/** Credentials are sent as a header: errors name the URL. */
function splitCredentials(text: string): { url: string; authorization: Readonly<Record<string, string>> } {
  const url = new URL(text);
  const { username, password } = url;
  if (username === "" && password === "") return { url: text, authorization: {} };
  url.username = "";
  url.password = "";
  const credentials = Buffer.from(`${unescape(username)}:${unescape(password)}`);
  return { url: url.href, authorization: { authorization: `Basic ${credentials.toString("base64")}` } };
}
