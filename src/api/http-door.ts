import { status } from "@grpc/grpc-js";
import { type ClientError, clientError, type ClientErrorName } from "../core/client-error.ts";
import type { Logger } from "../core/logger.ts";
import type { RefusalLog } from "../core/refusal-log.ts";
import type { MessageEncoder } from "../lib/json/encode-message.ts";
import type { AnswerQueue } from "./answer-queue.ts";
import type { HttpAuth } from "./api-key.ts";

/** How the doors on the HTTP port are set up. */
export interface HttpDoorOptions {
  readonly auth: HttpAuth;
  readonly refusals: RefusalLog;
  /** Hears of what a door cannot answer by its own fault. */
  readonly logger: Logger;
  /** Bytes that a body may have; 0 or less for no limit. */
  readonly maxBodyBytes: number;
  /** Reports every API error as a status of the transport, not only where the request asks for it. */
  readonly transportErrors: boolean;
  /** Writes results as JSON. */
  readonly encoder: MessageEncoder;
  /** Where all answers leave that cost their request something. */
  readonly answers: AnswerQueue;
}

/** With this header a request asks for transport errors. */
export const ERROR_MODE_HEADER = "x-centrifugo-error-mode";
/** Its one value, also that of the configuration. */
export const TRANSPORT_ERROR_MODE = "transport";

/** What an error is in transport error mode. */
export interface TransportStatus {
  readonly httpStatus: number;
  /** Status code of gRPC, and code of Connect. */
  readonly rpcCode: number;
}

const INTERNAL: TransportStatus = { httpStatus: 500, rpcCode: status.INTERNAL };

/** The statuses of docs/protocols/server-api.md §1.5, §2.8. Others are internal. */
const STATUSES: readonly (readonly [ClientErrorName, TransportStatus])[] = [
  ["unknownChannel", { httpStatus: 404, rpcCode: status.NOT_FOUND }],
  ["notFound", { httpStatus: 404, rpcCode: status.NOT_FOUND }],
  ["badRequest", { httpStatus: 400, rpcCode: status.INVALID_ARGUMENT }],
  ["notAvailable", { httpStatus: 400, rpcCode: status.INVALID_ARGUMENT }],
  ["unrecoverablePosition", { httpStatus: 416, rpcCode: status.OUT_OF_RANGE }],
  ["conflict", { httpStatus: 409, rpcCode: status.ALREADY_EXISTS }],
];

const STATUS_BY_CODE: ReadonlyMap<number, TransportStatus> = new Map(
  STATUSES.map(([name, transport]) => [clientError(name).code, transport]),
);

/** What an error is in transport error mode. */
export function transportStatus({ code }: ClientError): TransportStatus {
  return STATUS_BY_CODE.get(code) ?? INTERNAL;
}
