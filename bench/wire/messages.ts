import { frame, frameType, grpcMessage } from "./http2.ts";
import { bytesField } from "./protobuf.ts";
import { CHANNEL, type TransportName } from "./transport.ts";

/** A JSON object of exactly so many bytes. */
export function payloadOf(byteLength: number): Buffer {
  const [head, tail] = ['{"text":"', '"}'];
  return Buffer.from(head + "x".repeat(byteLength - head.length - tail.length) + tail);
}

/** The push that carries a payload, as JSON. */
export function jsonPush(payload: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`{"channel":"${CHANNEL}","pub":{"data":`), payload, Buffer.from("}}")]);
}

/** The event that carries a payload to Pusher clients: what is triggered without a name, its data as text. */
export function pusherEvent(payload: Uint8Array): Buffer {
  const data = Buffer.from(payload).toString();
  return Buffer.from(JSON.stringify({ event: "message", channel: CHANNEL, data }));
}

/** What a WebSocket gets for a publication, as text. */
export function webSocketText(transport: TransportName, payload: Uint8Array): Buffer {
  return transport === "pusher" ? pusherEvent(payload) : jsonPush(payload);
}

/** The push that carries a payload, as protobuf: `Push { channel = 2, pub = 4 }`, `Publication { data = 4 }`. */
export function protobufPush(payload: Uint8Array): Buffer {
  return Buffer.concat([bytesField(2, Buffer.from(CHANNEL)), bytesField(4, bytesField(4, payload))]);
}

/** The bytes that a publication puts on a connection, framing included. */
export function framedPush(transport: TransportName, payload: Uint8Array): Buffer {
  return framers[transport](payload);
}

/** A message as it stands in the body of an endless response. */
export function streamedMessage(transport: TransportName, message: Uint8Array): Buffer {
  const [before, after] = transport === "uni_sse" ? ["data: ", "\n\n"] : ["", "\n"];
  return Buffer.concat([Buffer.from(before), message, Buffer.from(after)]);
}

const framers: Readonly<Record<TransportName, (payload: Uint8Array) => Buffer>> = {
  uni_websocket: (payload) => webSocketFrame(webSocketText("uni_websocket", payload)),
  pusher: (payload) => webSocketFrame(webSocketText("pusher", payload)),
  uni_http_stream: (payload) => chunk(streamedMessage("uni_http_stream", jsonPush(payload))),
  uni_sse: (payload) => chunk(streamedMessage("uni_sse", jsonPush(payload))),
  uni_grpc: (payload) => frame(frameType.data, 0, 1, grpcMessage(protobufPush(payload))),
};

/** The push that opens a stream, as JSON: the shape of the real one. */
export function connectPush(): Buffer {
  const id = "00000000-0000-4000-8000-000000000000";
  const subs = { [CHANNEL]: {} };
  return Buffer.from(
    JSON.stringify({ connect: { client: id, version: "0.0.0 OSS", subs, ping: 25, session: id } }),
  );
}

/** The same as protobuf, as far as it matters: `Push { connect = 10 }`. */
export function greetingPush(): Buffer {
  return bytesField(
    10,
    Buffer.concat([bytesField(1, Buffer.alloc(36)), bytesField(2, Buffer.from(CHANNEL))]),
  );
}

/** An unmasked text frame (RFC 6455 §5.2). */
function webSocketFrame(message: Uint8Array): Buffer {
  const { byteLength } = message;
  const header = byteLength < 126 ? Buffer.from([0x81, byteLength]) : Buffer.from([0x81, 126, 0, 0]);
  if (byteLength >= 126) header.writeUInt16BE(byteLength, 2);
  return Buffer.concat([header, message]);
}

/** A chunk of an HTTP/1.1 body (RFC 9112 §7.1). */
function chunk(message: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${message.byteLength.toString(16)}\r\n`), message, Buffer.from("\r\n")]);
}
