import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorSchema } from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import type { ClientError } from "../../core/client-error.ts";
import { transportStatus } from "../api-error.ts";
import type { HttpDoorOptions } from "../http-door.ts";

/** What connect-node takes for no limit. */
const NO_LIMIT = 0xffff_ffff;

/** Bytes that a message may have. */
export function maxMessageBytes({ maxBodyBytes }: HttpDoorOptions): number {
  return maxBodyBytes > 0 ? maxBodyBytes : NO_LIMIT;
}

/** The refusal of a request without the key. */
export function unauthenticated(): ConnectError {
  return new ConnectError("unauthenticated", Code.Unauthenticated);
}

/** An API error as one of the protocol, with itself in the details. */
export function connectError(error: ClientError): ConnectError {
  const { code, message } = error;
  const { rpcCode } = transportStatus(error);
  return new ConnectError(message, rpcCode, undefined, [{ desc: ErrorSchema, value: { code, message } }]);
}
