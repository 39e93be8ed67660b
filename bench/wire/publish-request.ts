import { bytesField } from "./protobuf.ts";
import { payloadOf } from "./messages.ts";
import { CHANNEL } from "./transport.ts";

/** The doors of the server API, and the two encodings of one of them. */
export const DOORS = ["http", "grpc", "connect_json", "connect_proto"] as const;

export type Door = (typeof DOORS)[number];

export const API_KEY = "bench-key";

/** The unary gRPC method that publishes. */
export const PUBLISH_METHOD = "/centrifugal.centrifugo.api.CentrifugoApi/Publish";

/** The path that publishes over HTTP. */
export const PUBLISH_PATH = "/api/publish";

/** The path that takes several commands over HTTP. */
export const BATCH_PATH = "/api/batch";

/** An HTTP/1.1 request as it goes over the wire. */
export function httpRequest(request: {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}): Buffer {
  const { path, headers, body } = request;
  const fields = { Host: "localhost", ...headers, "Content-Length": String(body.byteLength) };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`POST ${path} HTTP/1.1\r\n${lines.join("")}\r\n`), body]);
}

/** The body of a publication over HTTP. */
export function publishBody(payloadBytes: number, channel: string = CHANNEL): Buffer {
  return Buffer.concat([
    Buffer.from(`{"channel":"${channel}","data":`),
    payloadOf(payloadBytes),
    Buffer.from("}"),
  ]);
}

/** The message of a publication over gRPC: `PublishRequest { channel = 1, data = 2 }`. */
export function publishMessage(payloadBytes: number): Buffer {
  return Buffer.concat([bytesField(1, Buffer.from(CHANNEL)), bytesField(2, payloadOf(payloadBytes))]);
}

/** The same as JSON, as the Connect protocol has it. */
export function publishMessageJson(payloadBytes: number): Buffer {
  const data = payloadOf(payloadBytes).toString("base64");
  return Buffer.from(JSON.stringify({ channel: CHANNEL, data }));
}

/** What an answer of the gRPC method looks like when all went well: `PublishResponse { result = 2 {} }`. */
export const PUBLISH_ANSWER: Buffer = bytesField(2, new Uint8Array(0));
