import type { ConnectResult, SubscribeResult } from "../../core/push.ts";
import { type Codec, NOTHING } from "../../core/wire-format.ts";
import { quoteJson } from "../../lib/json/encode-message.ts";
import { isJson } from "../../lib/json/raw-json.ts";
import {
  differenceText,
  encodePublication,
  infoObject,
  isCarriable,
  publicationsText,
  rawText,
} from "./json-publication.ts";
import { isUniPush, type UniPush } from "./push-message.ts";

/**
 * Centrifugo's JSON (docs/protocols/unidirectional.md §4): zero values are left out, payloads are spliced in as they
 * came.
 *
 * A payload that is not JSON cannot be carried.
 */
export const jsonCodec: Codec = {
  id: "centrifugo-json",
  encode(push) {
    if (!isUniPush(push)) return NOTHING;
    if (!hasJsonOnly(push)) return undefined;
    return push.type === "publication"
      ? encodePublication(`${headOf(push.channel)}"pub":`, push.publication)
      : Buffer.from(encodeText(push));
  },
};

/** Whether all payloads of the push can be carried. */
function hasJsonOnly(push: UniPush): boolean {
  switch (push.type) {
    case "publication":
      return isCarriable(push.publication);
    case "connect":
      return isAbsentOrJson(push.connect.data) && push.connect.subs.values().every(isCarriableResult);
    case "subscribe":
      return isCarriableResult(push.subscribe);
    case "join":
    case "leave":
      return isAbsentOrJson(push.info.connInfo) && isAbsentOrJson(push.info.chanInfo);
    default:
      return true;
  }
}

function isCarriableResult({ data, publications }: SubscribeResult): boolean {
  return isAbsentOrJson(data) && publications.every(isCarriable);
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
      return `${headOf(push.channel)}"${push.type}":{"info":${infoObject(push.info)}}}`;
    case "subscribe":
      return `${headOf(push.channel)}"subscribe":${subscribeObject(push.subscribe)}}`;
    case "unsubscribe":
      return `${headOf(push.channel)}"unsubscribe":${codeObject(push.code, push.reason)}}`;
    case "disconnect":
      return `{"disconnect":${codeObject(push.code, push.reason)}}`;
    case "refresh":
      return `{"refresh":${objectOf([push.expires && `"expires":true`, push.ttlSec > 0 && `"ttl":${push.ttlSec}`])}}`;
  }
}

/** `{"channel":"…",`, or `{` for the empty channel. */
export function headOf(channel: string): string {
  return channel === "" ? "{" : `{"channel":${quoteJson(channel)},`;
}

function connectObject(connect: ConnectResult): string {
  const subs = [...connect.subs].map(
    ([channel, sub]) => `${quoteJson(channel)}:${subscribeResultObject(sub)}`,
  );
  const { data, ttlSec, timeMs } = connect;
  return objectOf([
    `"client":"${connect.client}"`,
    `"version":${quoteJson(connect.version)}`,
    data !== undefined && `"data":${rawText(data)}`,
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

/** The members that are there. */
function objectOf(members: readonly (string | false)[]): string {
  return `{${members.filter((member) => member !== false).join(",")}}`;
}

function codeObject(code: number, reason: string): string {
  return objectOf([code !== 0 && `"code":${code}`, reason !== "" && `"reason":${quoteJson(reason)}`]);
}

/** Publications for subscribers that want differences: payloads are JSON strings, these ones whole. */
export const jsonWholeCodec: Codec = {
  id: "centrifugo-json-whole",
  encode: (push) =>
    jsonPatchCodec.encode(push.type === "publication" ? { ...push, previous: undefined } : push),
};

/** The same as Fossil differences to the publication before, where that is known and it is shorter. */
export const jsonPatchCodec: Codec = {
  id: "centrifugo-json-patch",
  encode(push) {
    if (push.type !== "publication") return jsonCodec.encode(push);
    const { channel, publication, previous } = push;
    if (!isCarriable(publication)) return undefined;
    return Buffer.from(`${headOf(channel)}"pub":${differenceText(publication, previous)}}`);
  },
};
