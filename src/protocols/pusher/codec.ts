import { isUtf8 } from "node:buffer";
import type { ClientInfo, Publication } from "../../core/publication.ts";
import type { Push } from "../../core/push.ts";
import { type Codec, NOTHING } from "../../core/wire-format.ts";
import { isJson } from "../../lib/json/raw-json.ts";
import { stringDataFrame, watchlistText } from "./frames.ts";

/** Tag with the event's name. */
export const EVENT_TAG = "event";
/**
 * Tag of publications whose payload is a JSON string only because what was triggered is no JSON: Pusher clients get the
 * text itself.
 */
export const CONTENT_TYPE_TAG = "content_type";
export const PLAIN_TEXT = "text/plain";

/** What begins the names of events that clients send. */
export const CLIENT_EVENT_PREFIX = "client-";

const RESERVED_EVENTS = ["pusher:", "pusher_internal:"];

/** Whether the name is one of the protocol's own events, which nobody else may use. */
export function isReservedEvent(name: string): boolean {
  return RESERVED_EVENTS.some((prefix) => name.startsWith(prefix));
}

/** What the codec needs to know of an app. */
export interface CodecApp {
  readonly namespace: string;
  readonly defaultEvent: string;
  /** Whether it is a channel of the app. */
  owns(channel: string): boolean;
  /** The Pusher name of such a channel. */
  nameOf(channel: string): string;
  /** Whether such a channel tells of a user's coming and going only. */
  isWatchChannel(channel: string): boolean;
}

/**
 * Pusher's JSON for the connections of one app (docs/protocols/pusher.md §1.4). It has no words for what is in channels
 * of others.
 */
export function createPusherCodec(app: CodecApp): Codec {
  return {
    id: `pusher-json-${app.namespace}`,
    encode(push) {
      if (!("channel" in push)) return encodeConnectionPush(push);
      if (!app.owns(push.channel)) return NOTHING;
      if (app.isWatchChannel(push.channel)) return encodeWatchPush(push);
      return encodeChannelPush(app, push, app.nameOf(push.channel));
    },
  };
}

function encodeConnectionPush(push: Exclude<Push, { channel: string }>): Uint8Array {
  switch (push.type) {
    case "ping":
      return stringDataFrame("pusher:ping", "{}");
    case "connect":
    case "disconnect":
    case "refresh":
      return NOTHING;
  }
}

function encodeChannelPush(
  app: CodecApp,
  push: Extract<Push, { channel: string }>,
  name: string,
): Uint8Array | undefined {
  switch (push.type) {
    case "publication":
      return eventFrame(app, push.publication, name);
    case "memberAdded":
      return stringDataFrame("pusher_internal:member_added", memberText(push.info), name);
    case "memberRemoved":
      return stringDataFrame(
        "pusher_internal:member_removed",
        JSON.stringify({ user_id: push.info.user }),
        name,
      );
    case "subscriptionCount":
      return stringDataFrame(
        "pusher_internal:subscription_count",
        `{"subscription_count":${push.count}}`,
        name,
      );
    case "subscribe":
      return stringDataFrame("pusher_internal:subscription_succeeded", "{}", name);
    case "join":
    case "leave":
    case "unsubscribe":
      return NOTHING;
  }
}

function encodeWatchPush(push: Push): Uint8Array {
  if (push.type !== "memberAdded" && push.type !== "memberRemoved") return NOTHING;
  const users = [push.info.user];
  const text = push.type === "memberAdded" ? watchlistText(users, []) : watchlistText([], users);
  return stringDataFrame("pusher_internal:watchlist_events", text);
}

/**
 * An event of a channel, undefined where its data is no text. Those that clients send in presence channels tell whose
 * they are.
 */
function eventFrame(
  { defaultEvent }: CodecApp,
  { tags, data, info }: Publication,
  name: string,
): Buffer | undefined {
  if (!isUtf8(data)) return undefined;
  const tag = tags?.[EVENT_TAG] ?? "";
  // Nothing published is to pass for a word of the protocol.
  const event = tag === "" || isReservedEvent(tag) ? defaultEvent : tag;
  const json = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString();
  const isText = tags?.[CONTENT_TYPE_TAG] === PLAIN_TEXT && json.startsWith('"');
  const dataJson = isText ? json : JSON.stringify(json);
  const isMembers =
    info !== undefined && event.startsWith(CLIENT_EVENT_PREFIX) && name.startsWith("presence-");
  const sender = isMembers ? `,"user_id":${JSON.stringify(info.user)}` : "";
  return Buffer.from(
    `{"event":${JSON.stringify(event)},"channel":${JSON.stringify(name)},"data":${dataJson}${sender}}`,
  );
}

/** JSON of one member of a presence channel: whoever says nothing about itself is `{}`. */
function memberText({ user, chanInfo, connInfo }: ClientInfo): string {
  return `{"user_id":${JSON.stringify(user)},"user_info":${userInfoText({ chanInfo, connInfo })}}`;
}

/** JSON of what is known of a member; `{}` where that is nothing, or binary. */
export function userInfoText({ chanInfo, connInfo }: Pick<ClientInfo, "chanInfo" | "connInfo">): string {
  const info = chanInfo ?? connInfo;
  return info === undefined || !isJson(info) ? "{}" : Buffer.from(info).toString();
}
