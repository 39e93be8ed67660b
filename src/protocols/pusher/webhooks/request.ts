import { unescape } from "node:querystring";
import { sendRequest } from "../../../lib/http-client.ts";
import type { PusherApp } from "../app.ts";
import type { PusherAppConfig, WebhookConfig } from "../config.ts";
import { sign } from "../signature.ts";

/** What a webhook tells of (docs/protocols/pusher.md §5). Channels are Pusher names. */
export type WebhookEvent =
  | { readonly name: "channel_occupied" | "channel_vacated" | "cache_miss"; readonly channel: string }
  | {
      readonly name: "member_added" | "member_removed";
      readonly channel: string;
      readonly user_id: string;
    }
  | {
      readonly name: "client_event";
      readonly channel: string;
      readonly event: string;
      readonly data: string;
      readonly socket_id: string;
      /** Of presence channels only. */
      readonly user_id?: string;
    }
  | {
      readonly name: "subscription_count";
      readonly channel: string;
      readonly subscription_count: number;
    };

/** Takes what is to be told; never throws, never waits. */
export interface WebhookSink {
  emit(app: PusherApp, event: WebhookEvent): void;
}

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

/** Sends a request; resolves to the status of the answer. Rejects without one, and when the signal is aborted. */
export type Post = (request: WebhookRequest, signal: AbortSignal) => Promise<number>;

/** Bytes of an answer that are read, so that its connection can be used again. */
const MAX_ANSWER_BYTES = 65_536;

/** Posts over HTTP. An answer may take `timeoutMs`, to its last byte. */
export function createPost(timeoutMs: number): Post {
  const limits = { timeoutMs, maxBytes: MAX_ANSWER_BYTES };
  return async ({ url, ...request }, signal) => {
    const { status } = await sendRequest(
      { method: "POST", url: new URL(url), ...request, wantsBody: false },
      limits,
      signal,
    );
    return status;
  };
}
