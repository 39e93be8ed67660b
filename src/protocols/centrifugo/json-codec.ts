import type { ClientInfo } from "../../core/client-info.ts";
import type { Publication } from "../../core/publication.ts";
import type { ConnectResult, SubscribeResult } from "../../core/push.ts";
import type { Codec } from "../../core/wire-format.ts";
import { quoteJson } from "../../lib/json/quote.ts";
import { isJson } from "../../lib/json/raw-json.ts";
import { isUniPush, type UniPush } from "./push-message.ts";

const LF = 0x0a;
const CR = 0x0d;

/**
 * Centrifugo's JSON (uni-transports §4): zero values are left out, payloads are spliced in as they came.
 *
 * A payload that is not JSON cannot be carried.
 */
export const jsonCodec: Codec = {
  id: "centrifugo-json",
  encode(push) {
    if (!isUniPush(push) || !isCarriable(push)) return undefined;
    return push.type === "publication"
      ? encodePublication(push.channel, push.publication)
      : Buffer.from(encodeText(push));
  },
};

/** Whether all payloads of the push are JSON. */
function isCarriable(push: UniPush): boolean {
  switch (push.type) {
    case "publication":
      return push.publication.isJson;
    case "connect":
      return push.connect.subs.values().every(hasJsonOnly);
    case "subscribe":
      return hasJsonOnly(push.subscribe);
    case "join":
    case "leave":
      return isAbsentOrJson(push.info.connInfo) && isAbsentOrJson(push.info.chanInfo);
    default:
      return true;
  }
}

function hasJsonOnly({ data, publications }: SubscribeResult): boolean {
  return isAbsentOrJson(data) && publications.every((publication) => publication.isJson);
}

function isAbsentOrJson(bytes: Uint8Array | undefined): boolean {
  return bytes === undefined || isJson(bytes);
}

function encodeText(push: Exclude<UniPush, { type: "publication" }>): string {
  switch (push.type) {
    case "ping":
      return "{}";
    case "connect":
      return `{"connect":${connectObject(push.connect)}}`;
    case "join":
    case "leave":
      return `${head(push.channel)}"${push.type}":{"info":${infoObject(push.info)}}}`;
    case "subscribe":
      return `${head(push.channel)}"subscribe":${subscribeObject(push.subscribe)}}`;
    case "unsubscribe":
      return `${head(push.channel)}"unsubscribe":${codeObject(push.code, push.reason)}}`;
    case "disconnect":
      return `{"disconnect":${codeObject(push.code, push.reason)}}`;
    case "refresh":
      return `{"refresh":${objectOf([push.expires && `"expires":true`, push.ttlSec > 0 && `"ttl":${push.ttlSec}`])}}`;
  }
}

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

/** A push around a payload that is text already. `isDelta` marks it as a difference. */
export function publicationPush(
  channel: string,
  publication: Publication,
  data: string,
  isDelta: boolean,
): string {
  return `${head(channel)}"pub":{"data":${data}${publicationTail(publication, isDelta)}}}`;
}

function publicationTail({ info, offset, tags, epoch }: Publication, isDelta = false): string {
  let tail = "";
  if (info !== undefined) tail += `,"info":${infoObject(info)}`;
  if (offset > 0) tail += `,"offset":${offset}`;
  if (tags !== undefined) tail += tagsMember(tags);
  if (isDelta) tail += `,"delta":true`;
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
  const subs = [...connect.subs].map(
    ([channel, sub]) => `${quoteJson(channel)}:${subscribeResultObject(sub)}`,
  );
  const { ttlSec, timeMs } = connect;
  return objectOf([
    `"client":"${connect.client}"`,
    `"version":${quoteJson(connect.version)}`,
    subs.length > 0 && `"subs":{${subs.join(",")}}`,
    ttlSec !== undefined && `"expires":true`,
    ttlSec !== undefined && ttlSec > 0 && `"ttl":${ttlSec}`,
    connect.pingSec > 0 && `"ping":${connect.pingSec}`,
    `"session":"${connect.session}"`,
    timeMs !== undefined && `"time":${timeMs}`,
  ]);
}

/** An entry of `connect.subs`; the order of its members is that of the upstream. */
function subscribeResultObject(result: SubscribeResult): string {
  const { position, publications, delta } = result;
  return objectOf([
    result.recoverable && `"recoverable":true`,
    position !== undefined && `"epoch":${quoteJson(position.epoch)}`,
    publications.length > 0 && `"publications":${publicationsText(publications, delta)}`,
    result.recovered && `"recovered":true`,
    position !== undefined && position.offset > 0 && `"offset":${position.offset}`,
    position !== undefined && `"positioned":true`,
    result.data !== undefined && `"data":${rawText(result.data)}`,
    result.wasRecovering && `"was_recovering":true`,
    delta && `"delta":true`,
  ]);
}

/** The `subscribe` push of a subscription that was made later. */
function subscribeObject({ position, recoverable, data }: SubscribeResult): string {
  return objectOf([
    recoverable && `"recoverable":true`,
    position !== undefined && `"epoch":${quoteJson(position.epoch)}`,
    position !== undefined && position.offset > 0 && `"offset":${position.offset}`,
    position !== undefined && `"positioned":true`,
    data !== undefined && `"data":${rawText(data)}`,
  ]);
}

/** Clients that come back at once with the same gap get the same list, whose text is made once for all of them. */
const knownTexts = {
  whole: new WeakMap<readonly Publication[], string>(),
  delta: new WeakMap<readonly Publication[], string>(),
};

function publicationsText(publications: readonly Publication[], delta: boolean): string {
  const known = delta ? knownTexts.delta : knownTexts.whole;
  let text = known.get(publications);
  if (text === undefined) {
    text = `[${publications.map((one) => publicationObject(one, delta)).join(",")}]`;
    known.set(publications, text);
  }
  return text;
}

/** A publication outside a push of its own; for a subscriber that wants differences, its payload is a string. */
function publicationObject(publication: Publication, delta: boolean): string {
  const data = delta ? quoteJson(Buffer.from(publication.data).toString()) : rawText(publication.data);
  return `{"data":${data}${publicationTail(publication)}}`;
}

/** The members that are there. */
function objectOf(members: readonly (string | false)[]): string {
  return `{${members.filter((member) => member !== false).join(",")}}`;
}

/** `user` and `client` are always present, even when empty. */
function infoObject(info: ClientInfo): string {
  let members = `"user":${quoteJson(info.user)},"client":${quoteJson(info.client)}`;
  if (info.connInfo !== undefined) members += `,"conn_info":${rawText(info.connInfo)}`;
  if (info.chanInfo !== undefined) members += `,"chan_info":${rawText(info.chanInfo)}`;
  return `{${members}}`;
}

function codeObject(code: number, reason: string): string {
  return objectOf([code !== 0 && `"code":${code}`, reason !== "" && `"reason":${quoteJson(reason)}`]);
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
