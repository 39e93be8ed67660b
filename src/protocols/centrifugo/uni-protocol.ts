import { fromBinary, fromJsonString, toBinary, toJsonString } from "@bufbuild/protobuf";
import {
  type ConnectRequest as ConnectRequestMessage,
  ConnectRequestSchema,
  PushSchema,
} from "../../../gen/centrifugal/centrifugo/unistream/unistream_pb.ts";
import { clientError } from "../../core/client-error.ts";
import type { ConnectRequest, SubscriptionRequest } from "../../core/connect-request.ts";
import { positionFrom } from "../../core/publication.ts";
import type { Transport } from "../../core/transport.ts";
import type { UniConnection, UniEncoding, UniProtocol } from "../../core/uni-protocol.ts";
import { NOTHING } from "../../core/wire-format.ts";
import { decodeMessage } from "../../lib/json/decode-message.ts";
import { JsonDecodeError } from "../../lib/json/raw-json.ts";
import { Connector } from "../../node/connecting/connector.ts";
import { jsonCodec, jsonPatchCodec, jsonWholeCodec } from "./json-codec.ts";
import { encodePublicationPush, isUniPush, toPushMessage } from "./push-message.ts";
import { type UniContext, UniConversation } from "./uni-conversation.ts";

/** Centrifugo's unidirectional protocol over a node. */
export function createUniProtocol(context: UniContext): UniProtocol {
  const connector = new Connector(context);
  return {
    json: jsonEncoding,
    protobuf: protobufEncoding,
    protoJson: protoJsonEncoding,
    accept: (transport: Transport): UniConnection =>
      new UniConversation(context.node.sessions.open(transport), context, connector),
  };
}

/** Centrifugo's JSON. */
export const jsonEncoding: UniEncoding = {
  codec: jsonCodec,
  deltaCodecs: { whole: jsonWholeCodec, patch: jsonPatchCodec },
  parseRequest: (bytes) =>
    requestOf(
      decode(
        () => decodeMessage(ConnectRequestSchema, bytes, { trailing: "ignore" }),
        (error) => error instanceof JsonDecodeError,
      ),
    ),
};

/** Binary protobuf; payloads of any kind. */
export const protobufEncoding: UniEncoding = {
  codec: {
    id: "centrifugo-protobuf",
    encode: (push) => {
      if (push.type === "publication") return encodePublicationPush(push.channel, push.publication);
      return isUniPush(push) ? toBinary(PushSchema, toPushMessage(push)) : NOTHING;
    },
  },
  deltaCodecs: undefined,
  parseRequest: (bytes) => requestOf(decode(() => fromBinary(ConnectRequestSchema, bytes))),
};

/** The standard JSON mapping of the same messages: camelCase names, payloads in base64. */
export const protoJsonEncoding: UniEncoding = {
  codec: {
    id: "centrifugo-proto-json",
    encode: (push) =>
      isUniPush(push) ? Buffer.from(wellFormedJson(toJsonString(PushSchema, toPushMessage(push)))) : NOTHING,
  },
  deltaCodecs: undefined,
  parseRequest: (bytes) =>
    requestOf(
      decode(() =>
        fromJsonString(ConnectRequestSchema, Buffer.from(bytes).toString(), { ignoreUnknownFields: true }),
      ),
    ),
};

/** JSON whose halves of surrogate pairs, which clients refuse, have become U+FFFD, as in any text that goes through UTF-8. */
function wellFormedJson(json: string): string {
  if (!json.includes(String.raw`\ud`)) return json;
  return json.replaceAll(/\\(?:ud...|.)/gu, (escape) =>
    escape.startsWith(String.raw`\ud`) ? "\ufffd" : escape,
  );
}

const NOWHERE: ConnectRequest["resumeFrom"] = new Map();
const NO_HEADERS: ConnectRequest["headers"] = new Map();

/** What `read` returns. Throws ClientError 107 where it cannot: libraries have no error of their own for that. */
function decode(
  read: () => ConnectRequestMessage,
  isMalformed: (error: unknown) => boolean = () => true,
): ConnectRequestMessage {
  try {
    return read();
  } catch (error) {
    throw isMalformed(error) ? clientError("badRequest", error) : error;
  }
}

function requestOf(message: ConnectRequestMessage): ConnectRequest {
  const { token, data, name, version } = message;
  const subs = new Map<string, SubscriptionRequest>();
  for (const [channel, { recover, offset, epoch, delta }] of Object.entries(message.subs)) {
    subs.set(channel, { recover, ...positionFrom(offset, epoch), delta: delta === "fossil" });
  }
  return {
    token,
    // The bytes of the request may be gone before the backend has been asked.
    data: data.length === 0 ? undefined : Buffer.from(data),
    headers: headersOf(message),
    name,
    version,
    subs,
    resumeFrom: NOWHERE,
  };
}

function headersOf({ headers }: ConnectRequestMessage): ConnectRequest["headers"] {
  const entries = Object.entries(headers);
  if (entries.length === 0) return NO_HEADERS;
  return new Map(entries.map(([name, value]) => [name.toLowerCase(), value]));
}
