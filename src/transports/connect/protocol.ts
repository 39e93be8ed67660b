import type { ConnectError } from "@connectrpc/connect";
import {
  endStreamFlag,
  endStreamToJson,
  parseTimeout as parseConnectTimeout,
} from "@connectrpc/connect/protocol-connect";
import { parseTimeout as parseGrpcTimeout, setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import { trailerFlag, trailerSerialize } from "@connectrpc/connect/protocol-grpc-web";
import { envelope } from "../../grpc/envelope.ts";
import type { StreamEnding } from "../../http/push-transport.ts";

/** How long a client is ready to wait, or what is wrong with what it says about that. */
export interface Timeout {
  readonly timeoutMs?: number;
  readonly error?: ConnectError | undefined;
}

/** What a protocol says around the messages of a stream over HTTP. Names of headers are in lower case. */
export interface StreamProtocol {
  readonly timeoutHeader: string;
  readonly encodingHeader: string;
  readonly acceptEncodingHeader: string;
  parseTimeout(value: string | null, maxTimeoutMs: number): Timeout;
  /** The end of a stream; of one that failed, why. */
  ending(error?: ConnectError): StreamEnding;
}

const GRPC_HEAD = {
  timeoutHeader: "grpc-timeout",
  encodingHeader: "grpc-encoding",
  acceptEncodingHeader: "grpc-accept-encoding",
  parseTimeout: parseGrpcTimeout,
};

/** Connect: the end is an envelope with JSON (connectrpc.com/docs/protocol). */
export const connectProtocol: StreamProtocol = {
  timeoutHeader: "connect-timeout-ms",
  encodingHeader: "connect-content-encoding",
  acceptEncodingHeader: "connect-accept-encoding",
  parseTimeout: parseConnectTimeout,
  ending(error) {
    const end = endStreamToJson(new Headers(), error, undefined);
    return { bytes: envelope(endStreamFlag, Buffer.from(JSON.stringify(end))) };
  },
};

/** gRPC: the end is in HTTP's trailers. */
export const grpcProtocol: StreamProtocol = {
  ...GRPC_HEAD,
  ending: (error) => ({ trailers: Object.fromEntries(setTrailerStatus(new Headers(), error)) }),
};

/** gRPC-Web: the end is an envelope with what would be trailers. */
export const grpcWebProtocol: StreamProtocol = {
  ...GRPC_HEAD,
  ending: (error) => ({ bytes: grpcWebEnd(error) }),
};

/** gRPC-Web for clients that can read text only. */
export const grpcWebTextProtocol: StreamProtocol = {
  ...GRPC_HEAD,
  ending: (error) => ({ bytes: inBase64(grpcWebEnd(error)) }),
};

function grpcWebEnd(error: ConnectError | undefined): Buffer {
  return envelope(trailerFlag, trailerSerialize(setTrailerStatus(new Headers(), error)));
}

/** The bytes in base64, with padding. */
export function inBase64(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString("base64"), "latin1");
}
