import { bytesField } from "./protobuf.ts";
import { payloadOf } from "./messages.ts";
import { CHANNEL } from "./transport.ts";

/** The two doors of the server API that are compared with something. */
export const DOORS = ["http", "grpc"] as const;

export type Door = (typeof DOORS)[number];

export const API_KEY = "bench-key";

/** The unary gRPC method that publishes. */
export const PUBLISH_METHOD = "/centrifugal.centrifugo.api.CentrifugoApi/Publish";

/** The path that publishes over HTTP. */
export const PUBLISH_PATH = "/api/publish";

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

/** What an answer of the gRPC method looks like when all went well: `PublishResponse { result = 2 {} }`. */
export const PUBLISH_ANSWER: Buffer = bytesField(2, new Uint8Array(0));
