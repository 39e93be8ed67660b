import { fromBinary, fromJsonString } from "@bufbuild/protobuf";
import fc from "fast-check";
import { type Push, PushSchema } from "../../gen/centrifugal/centrifugo/unistream/unistream_pb.ts";
import { rawMembers } from "../../src/lib/json/raw-json.ts";
import { jsonPatchCodec, jsonWholeCodec } from "../../src/protocols/centrifugo/json-codec.ts";
import {
  jsonEncoding,
  protobufEncoding,
  protoJsonEncoding,
} from "../../src/protocols/centrifugo/uni-protocol.ts";
import { PusherApps } from "../../src/protocols/pusher/app.ts";
import { pusherConfig } from "../../src/protocols/pusher/config.ts";
import { type CodecKind, describeCodecContract, type ReadPublication } from "./codec.contract.ts";
import { describeDeltaCodecsContract, type ReadDelta } from "./delta-codecs.contract.ts";
import { JSON_MESSAGES, JSON_PATCH_MESSAGES, JSON_WHOLE_MESSAGES } from "./golden/centrifugo-json.ts";
import { PROTO_JSON_MESSAGES } from "./golden/centrifugo-proto-json.ts";
import { PROTOBUF_MESSAGES } from "./golden/centrifugo-protobuf.ts";
import { PUSHER_MESSAGES } from "./golden/pusher-json.ts";

// Centrifugo's JSON

/** A publication of Centrifugo's JSON; payloads and infos as the bytes that stand there. */
function readJson(message: Buffer): ReadPublication {
  const push = rawMembers(message);
  const publication = rawMembers(push.get("pub") ?? Buffer.of());
  const value = (name: string): unknown => JSON.parse(String(Buffer.from(publication.get(name) ?? "null")));
  const info = publication.get("info");
  return {
    channel: String(JSON.parse(String(Buffer.from(push.get("channel") ?? '""')))),
    data: withSpace(message, publication.get("data") ?? Buffer.of()),
    tags: (value("tags") ?? {}) as Record<string, string>,
    info: info === undefined ? undefined : infoIn(info),
    offset: Number(value("offset") ?? 0),
    epoch: (value("epoch") ?? "") as string,
    version: BigInt(String(Buffer.from(publication.get("version") ?? "0"))),
  };
}

/** A value with the space around it. */
function withSpace(message: Buffer, value: Uint8Array): Buffer {
  if (value.length === 0) return Buffer.of();
  const isSpace = (at: number): boolean => message[at] === 0x20 || message[at] === 0x09;
  let start = value.byteOffset - message.byteOffset;
  let end = start + value.length;
  while (isSpace(start - 1)) start -= 1;
  while (isSpace(end)) end += 1;
  return message.subarray(start, end);
}

function infoIn(json: Uint8Array): ReadPublication["info"] {
  const members = rawMembers(json);
  const { user, client } = JSON.parse(String(Buffer.from(json))) as { user: string; client: string };
  const [connInfo, chanInfo] = ["conn_info", "chan_info"].map((name) => {
    const bytes = members.get(name);
    return bytes === undefined ? undefined : Buffer.from(bytes);
  });
  return { user, client, connInfo, chanInfo };
}

/** The same where the payload is text in a string, and epoch and version are left out. */
function readJsonText(message: Buffer): ReadPublication {
  const { epoch: _epoch, version: _version, ...read } = readJson(message);
  return { ...read, data: Buffer.from(String(JSON.parse(read.data.toString()))) };
}

const JSON_KIND = { channel: "news", carries: "json", isOneLine: true } as const;

describeCodecContract({
  ...JSON_KIND,
  codec: jsonEncoding.codec,
  golden: JSON_MESSAGES,
  read: readJson,
  arriving: (payload) => Buffer.from(payload.filter((byte) => byte !== 0x0a && byte !== 0x0d)),
});
describeCodecContract({
  ...JSON_KIND,
  codec: jsonWholeCodec,
  golden: JSON_WHOLE_MESSAGES,
  read: readJsonText,
});
describeCodecContract({
  ...JSON_KIND,
  codec: jsonPatchCodec,
  golden: JSON_PATCH_MESSAGES,
  read: readJsonText,
});

interface PublicationJson {
  readonly data: string;
  readonly delta?: boolean;
}

const readDelta = ({ data, delta = false }: PublicationJson): ReadDelta => ({ data, isDelta: delta });

describeDeltaCodecsContract({
  codec: jsonEncoding.codec,
  whole: jsonWholeCodec,
  patch: jsonPatchCodec,
  read(message) {
    const { pub } = JSON.parse(message.toString()) as { pub: PublicationJson };
    return readDelta(pub);
  },
  readList(message) {
    const { connect } = JSON.parse(message.toString()) as {
      connect: { subs: Record<string, { publications: PublicationJson[] }> };
    };
    return (connect.subs["a"]?.publications ?? []).map(readDelta);
  },
});

// Centrifugo's protobuf, and its standard JSON

function readMessage({ channel, pub }: Push): ReadPublication {
  if (pub === undefined) throw new Error("no publication");
  const { data, tags, info, offset, epoch, version } = pub;
  const bytes = (value: Uint8Array): Buffer | undefined =>
    value.length === 0 ? undefined : Buffer.from(value);
  return {
    channel,
    data: Buffer.from(data),
    tags,
    info: info && {
      user: info.user,
      client: info.client,
      connInfo: bytes(info.connInfo),
      chanInfo: bytes(info.chanInfo),
    },
    offset: Number(offset),
    epoch,
    version,
  };
}

/** Bytes in hex, and text between quotes; parentheses and spaces are for the reader. */
function bytesOf(notation: string): Buffer {
  const tokens = notation.matchAll(/'(?<text>[^']*)'|(?<hex>[\da-f]{2})/gu);
  return Buffer.concat(
    [...tokens].map(({ groups }) =>
      Buffer.from(groups?.["text"] ?? groups?.["hex"] ?? "", groups?.["hex"] ? "hex" : "utf8"),
    ),
  );
}

const PROTO_KIND = { channel: "news", carries: "any", isOneLine: false } as const;

describeCodecContract({
  ...PROTO_KIND,
  codec: protobufEncoding.codec,
  golden: PROTOBUF_MESSAGES,
  bytesOf,
  read: (message) => readMessage(fromBinary(PushSchema, message)),
});

describeCodecContract({
  ...PROTO_KIND,
  codec: protoJsonEncoding.codec,
  golden: PROTO_JSON_MESSAGES,
  read: (message) => readMessage(fromJsonString(PushSchema, message.toString())),
});

// Pusher's JSON

function pusherKind(): CodecKind {
  const config = pusherConfig.parse({ apps: [{ id: "one", key: "k", secret: "s", default_event: "news" }] });
  const app = new PusherApps(config.apps).withId("one");
  if (app === undefined) throw new Error("no app");
  return {
    codec: app.encoding.codec,
    channel: "one:presence-room",
    golden: PUSHER_MESSAGES,
    carries: "text",
    channels: fc.stringMatching(/^[-A-Za-z0-9_=@,.;]+$/u).map((name) => `one:${name}`),
    read(message) {
      const { channel, data } = JSON.parse(message.toString()) as { channel: string; data: string };
      return { channel: `one:${channel}`, data: Buffer.from(data) };
    },
    isOneLine: true,
  };
}

describeCodecContract(pusherKind());
