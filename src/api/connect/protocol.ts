import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorSchema } from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import type { ClientError } from "../../core/client-error.ts";
import { UNLIMITED_BYTES } from "../../grpc/compression.ts";
import { HTTP_KEY_HINT } from "../api-key.ts";
import { transportStatus } from "../transport-status.ts";
import type { HttpDoorOptions } from "../http-door.ts";

/** Bytes that a message may have. */
export function maxMessageBytes({ maxBodyBytes }: HttpDoorOptions): number {
  return maxBodyBytes > 0 ? maxBodyBytes : UNLIMITED_BYTES;
}

/** The refusal of a request without the key. */
export function unauthenticated(): ConnectError {
  return new ConnectError(`unauthenticated: ${HTTP_KEY_HINT}`, Code.Unauthenticated);
}

/** How connect-es begins to say that a request is no protobuf, and that it is not compressed as it says. */
const UNREADABLE = /^(?:parse binary|decompression failed)/u;

/** What reading a request has thrown; what connect-es takes for our fault, and is the caller's, as that. */
export function readingError(error: unknown): unknown {
  const isCallers =
    error instanceof ConnectError && error.code === Code.Internal && UNREADABLE.test(error.rawMessage);
  return isCallers ? new ConnectError(error.rawMessage, Code.InvalidArgument) : error;
}

/** An API error as one of the protocol, with itself in the details. */
export function connectError(error: ClientError): ConnectError {
  const { code, message } = error;
  const { rpcCode } = transportStatus(error);
  return new ConnectError(message, rpcCode, undefined, [{ desc: ErrorSchema, value: { code, message } }]);
}
