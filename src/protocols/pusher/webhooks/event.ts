import type { PusherApp } from "../app.ts";

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
