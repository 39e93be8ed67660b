import type { Delivery } from "../core/broker.ts";
import type { ChannelNotice } from "../core/publication.ts";
import { ProtobufReader } from "../lib/protobuf/reader.ts";
import { delimitedFieldSize, ProtobufWriter, varintFieldSize } from "../lib/protobuf/writer.ts";
import { decodeClientInfo, encodeClientInfo, sizeUnlessEmpty } from "./client-info.ts";
import {
  decodePublication,
  sizeExtras,
  sizePublication,
  writeExtras,
  writePublication,
} from "./publication.ts";

/**
 * Field numbers of Push (`unistream.proto`), and from 1000 on those that only nodes of Millrace know: others pass over
 * them.
 */
const FIELD = {
  channel: 2,
  publication: 4,
  join: 5,
  leave: 6,
  memberAdded: 1000,
  memberRemoved: 1001,
  subscriptionCount: 1002,
} as const;
/** Of Join and Leave. */
const INFO = 1;

/** What one process tells another of a channel. */
export type ChannelPush =
  | { readonly type: "delivery"; readonly channel: string; readonly delivery: Delivery }
  | { readonly type: "notice"; readonly channel: string; readonly notice: ChannelNotice };

/** A publication on its way to another process, behind so many bytes for the caller. */
export function encodeDelivery(channel: string, delivery: Delivery, reserved = 0): Buffer {
  const { publication } = delivery;
  const sized = sizePublication(publication, publication.epoch);
  const extras = sizeExtras(publication, delivery);
  const size = sized.size + extras.size;
  const channelLength = Buffer.byteLength(channel);
  const pushSize =
    sizeUnlessEmpty(FIELD.channel, channelLength) + delimitedFieldSize(FIELD.publication, size);
  const writer = new ProtobufWriter(pushSize, reserved);
  if (channelLength > 0) writer.text(FIELD.channel, channel, channelLength);
  writer.message(FIELD.publication, size);
  writePublication(writer, sized);
  writeExtras(writer, extras);
  return writer.bytes;
}

/** A notice on its way to another process, behind so many bytes for the caller. */
export function encodeNotice(channel: string, notice: ChannelNotice, reserved = 0): Buffer {
  const channelLength = Buffer.byteLength(channel);
  const head = sizeUnlessEmpty(FIELD.channel, channelLength);
  const begin = (size: number): ProtobufWriter => {
    const writer = new ProtobufWriter(head + size, reserved);
    if (channelLength > 0) writer.text(FIELD.channel, channel, channelLength);
    return writer;
  };
  switch (notice.type) {
    case "subscriptionCount": {
      const writer = begin(varintFieldSize(FIELD.subscriptionCount, notice.count));
      writer.varint(FIELD.subscriptionCount, notice.count);
      return writer.bytes;
    }
    case "memberAdded":
    case "memberRemoved": {
      const info = encodeClientInfo(notice.info);
      const writer = begin(delimitedFieldSize(FIELD[notice.type], info.length));
      writer.data(FIELD[notice.type], info);
      return writer.bytes;
    }
    case "join":
    case "leave": {
      const info = encodeClientInfo(notice.info);
      const size = delimitedFieldSize(INFO, info.length);
      const writer = begin(delimitedFieldSize(FIELD[notice.type], size));
      writer.message(FIELD[notice.type], size);
      writer.data(INFO, info);
      return writer.bytes;
    }
  }
}

/** What another process has encoded; payloads are a part of the bytes. @throws where these say nothing that is known. */
export function decodePush(bytes: Uint8Array): ChannelPush {
  const reader = new ProtobufReader(bytes);
  let channel = "";
  let delivery: Delivery | undefined;
  let notice: ChannelNotice | undefined;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    switch (field) {
      case FIELD.channel:
        channel = reader.text();
        break;
      case FIELD.publication:
        delivery = decodePublication(reader.data());
        break;
      case FIELD.join:
        notice = { type: "join", info: decodeClientInfo(infoIn(reader.data())) };
        break;
      case FIELD.leave:
        notice = { type: "leave", info: decodeClientInfo(infoIn(reader.data())) };
        break;
      case FIELD.memberAdded:
        notice = { type: "memberAdded", info: decodeClientInfo(reader.data()) };
        break;
      case FIELD.memberRemoved:
        notice = { type: "memberRemoved", info: decodeClientInfo(reader.data()) };
        break;
      case FIELD.subscriptionCount:
        notice = { type: "subscriptionCount", count: reader.varint() };
        break;
      default:
        reader.skip();
    }
  }
  if (delivery !== undefined) return { type: "delivery", channel, delivery };
  if (notice !== undefined) return { type: "notice", channel, notice };
  throw new RangeError("a push of a kind that is not known");
}

/** A notice that another process has encoded. @throws where the bytes are none of one */
export function decodeNotice(bytes: Uint8Array): Extract<ChannelPush, { type: "notice" }> {
  const push = decodePush(bytes);
  if (push.type !== "notice") throw new RangeError("a push that is no notice");
  return push;
}

function infoIn(bytes: Uint8Array): Uint8Array {
  const reader = new ProtobufReader(bytes);
  let info: Uint8Array = EMPTY;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === INFO) info = reader.data();
    else reader.skip();
  }
  return info;
}

const EMPTY = new Uint8Array(0);
