import type { ClientInfo } from "../../core/client-info.ts";
import type { Publication } from "../../core/publication.ts";
import type { ConnectResult, Push, SubscribeResult } from "../../core/push.ts";
import type { Codec } from "../../core/wire-format.ts";
import { quoteJson } from "../../lib/json/quote.ts";

const LF = 0x0a;
const CR = 0x0d;
const PING = Buffer.from("{}");

/**
 * Centrifugo's JSON (uni-transports §4): zero values are left out, payloads are spliced in as they came.
 *
 * A payload that is not JSON cannot be carried.
 */
export const jsonCodec: Codec = {
  id: "centrifugo-json",
  encode(push) {
    switch (push.type) {
      case "ping":
        return PING;
      case "publication":
        return push.publication.isJson ? encodePublication(push.channel, push.publication) : undefined;
      case "connect":
        return Buffer.from(`{"connect":${connectObject(push.connect)}}`);
      case "join":
      case "leave":
        return Buffer.from(`${head(push.channel)}"${push.type}":{"info":${infoObject(push.info)}}}`);
      case "subscribe":
        return Buffer.from(`${head(push.channel)}"subscribe":${subscribeObject(push.subscribe)}}`);
      case "unsubscribe":
      case "disconnect":
      case "refresh":
        return Buffer.from(encodeNotice(push));
    }
  },
};

/** The hot one: text around the payload's own bytes, in one allocation. */
function encodePublication(channel: string, publication: Publication): Buffer {
  const before = `${head(channel)}"pub":{"data":`;
  const after = `${publicationTail(publication)}}}`;
  const data = withoutLineBreaks(publication.data);
  const bytes = Buffer.allocUnsafe(Buffer.byteLength(before) + data.length + Buffer.byteLength(after));
  let at = bytes.write(before);
  bytes.set(data, at);
  at += data.length;
  bytes.write(after, at);
  return bytes;
}

function publicationTail({ info, offset, tags, epoch }: Publication): string {
  let tail = "";
  if (info !== undefined) tail += `,"info":${infoObject(info)}`;
  if (offset > 0) tail += `,"offset":${offset}`;
  if (tags !== undefined) tail += tagsMember(tags);
  // The epoch is news only at the first publication of a stream.
  if (offset === 1) tail += `,"epoch":${quoteJson(epoch)}`;
  return tail;
}

function tagsMember(tags: Readonly<Record<string, string>>): string {
  const members = Object.entries(tags).map(([key, value]) => `${quoteJson(key)}:${quoteJson(value)}`);
  return members.length === 0 ? "" : `,"tags":{${members.join(",")}}`;
}

/** `{"channel":"…",`, or `{` for the empty channel. */
function head(channel: string): string {
  return channel === "" ? "{" : `{"channel":${quoteJson(channel)},`;
}

function connectObject(connect: ConnectResult): string {
  const subs = [...connect.subs].map(([channel, sub]) => `${quoteJson(channel)}:${subscribeObject(sub)}`);
  const members = [`"client":"${connect.client}"`, `"version":${quoteJson(connect.version)}`];
  if (subs.length > 0) members.push(`"subs":{${subs.join(",")}}`);
  if (connect.ttlSec !== undefined) members.push(`"expires":true`);
  if (connect.ttlSec !== undefined && connect.ttlSec > 0) members.push(`"ttl":${connect.ttlSec}`);
  if (connect.pingSec > 0) members.push(`"ping":${connect.pingSec}`);
  members.push(`"session":"${connect.session}"`);
  if (connect.timeMs !== undefined) members.push(`"time":${connect.timeMs}`);
  return `{${members.join(",")}}`;
}

function subscribeObject(subscribe: SubscribeResult): string {
  const members: string[] = [];
  if (subscribe.data !== undefined) members.push(`"data":${rawText(subscribe.data)}`);
  if (subscribe.wasRecovering) members.push(`"was_recovering":true`);
  return `{${members.join(",")}}`;
}

/** `user` and `client` are always present, even when empty. */
function infoObject(info: ClientInfo): string {
  let members = `"user":${quoteJson(info.user)},"client":${quoteJson(info.client)}`;
  if (info.connInfo !== undefined) members += `,"conn_info":${rawText(info.connInfo)}`;
  if (info.chanInfo !== undefined) members += `,"chan_info":${rawText(info.chanInfo)}`;
  return `{${members}}`;
}

function encodeNotice(push: Extract<Push, { type: "unsubscribe" | "disconnect" | "refresh" }>): string {
  switch (push.type) {
    case "unsubscribe":
      return `${head(push.channel)}"unsubscribe":${codeObject(push.code, push.reason)}}`;
    case "disconnect":
      return `{"disconnect":${codeObject(push.code, push.reason)}}`;
    case "refresh": {
      const ttl = push.ttlSec > 0 ? `,"ttl":${push.ttlSec}` : "";
      return `{"refresh":${push.expires ? `{"expires":true${ttl}}` : "{}"}}`;
    }
  }
}

function codeObject(code: number, reason: string): string {
  const members: string[] = [];
  if (code !== 0) members.push(`"code":${code}`);
  if (reason !== "") members.push(`"reason":${quoteJson(reason)}`);
  return `{${members.join(",")}}`;
}

function rawText(json: Uint8Array): string {
  return Buffer.from(withoutLineBreaks(json)).toString();
}

/**
 * The same JSON on one line, as line-based transports need it. Within valid JSON a raw line break can only
 * stand between tokens, so leaving it out changes nothing.
 */
function withoutLineBreaks(json: Uint8Array): Uint8Array {
  if (!json.includes(LF) && !json.includes(CR)) return json;
  return json.filter((byte) => byte !== LF && byte !== CR);
}
