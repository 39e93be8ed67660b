import { connectionOpening, frame, frameFlag, frameType, grpcHeaders, grpcMessage } from "./http2.ts";
import { bytesField } from "./protobuf.ts";
import { CHANNEL, pathOf, type TransportName } from "./transport.ts";

/** The server's first push names the channel; nothing else before the first publication does. */
export const OPENING_MARK: Buffer = Buffer.from(CHANNEL);

/** What a subscriber sends to connect and subscribe: everything it ever sends, in one write. */
export function openingOf(transport: TransportName): Buffer {
  return openings[transport](pathOf(transport));
}

/** What a WebSocket sends to open with this connect request, and nothing after it. */
export function webSocketOpening(path: string, request: string): Buffer {
  return upgrade(`${path}?cf_connect=${encodeURIComponent(request)}`);
}

function upgrade(target: string): Buffer {
  return head(`GET ${target}`, {
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
  });
}

/** A short text frame of a client, masked with zeros (RFC 6455 §5.3). */
function clientFrame(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([0x81, 0x80 + bytes.byteLength, 0, 0, 0, 0]), bytes]);
}

const connectRequest = JSON.stringify({ subs: { [CHANNEL]: {} } });
const connectQuery = `cf_connect=${encodeURIComponent(connectRequest)}`;

const openings: Readonly<Record<TransportName, (path: string) => Buffer>> = {
  uni_websocket: (path) => webSocketOpening(path, connectRequest),
  pusher: (path) =>
    Buffer.concat([
      upgrade(path),
      clientFrame(JSON.stringify({ event: "pusher:subscribe", data: { channel: CHANNEL } })),
    ]),
  uni_http_stream: (path) =>
    Buffer.concat([
      head(`POST ${path}`, { "Content-Length": String(Buffer.byteLength(connectRequest)) }),
      Buffer.from(connectRequest),
    ]),
  uni_sse: (path) => head(`GET ${path}?${connectQuery}`, { Accept: "text/event-stream" }),
  uni_grpc: (path) =>
    Buffer.concat([
      connectionOpening(),
      frame(frameType.headers, frameFlag.endHeaders, 1, grpcHeaders(path, {}).first),
      frame(frameType.data, frameFlag.endStream, 1, grpcMessage(protobufConnectRequest())),
    ]),
};

/** `ConnectRequest { subs = 3 }` with an empty SubscribeRequest for the channel. */
function protobufConnectRequest(): Buffer {
  const entry = [bytesField(1, Buffer.from(CHANNEL)), bytesField(2, new Uint8Array(0))];
  return bytesField(3, Buffer.concat(entry));
}

function head(requestLine: string, headers: Readonly<Record<string, string>>): Buffer {
  const fields = Object.entries({ Host: "localhost", ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  return Buffer.from(`${requestLine} HTTP/1.1\r\n${fields.join("")}\r\n`);
}
