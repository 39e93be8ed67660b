import { status } from "@grpc/grpc-js";
import { type ClientError, clientError, type ClientErrorName } from "../core/client-error.ts";

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
