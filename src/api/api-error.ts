import { status } from "@grpc/grpc-js";
import { ClientError } from "../core/client-error.ts";

/** Names of the entries of the table. */
export type ApiErrorName =
  | "internal"
  | "unknownChannel"
  | "notFound"
  | "badRequest"
  | "notAvailable"
  | "unrecoverablePosition"
  | "conflict";

/** An error of the API and what it is in transport error mode. */
interface ApiErrorEntry {
  readonly code: number;
  readonly message: string;
  readonly httpStatus: number;
  /** Status code of gRPC, and code of Connect. */
  readonly rpcCode: number;
}

/** The closed table of API errors (docs/protocols/server-api.md §1.5, §2.8). */
const TABLE: Readonly<Record<ApiErrorName, ApiErrorEntry>> = {
  internal: { code: 100, message: "internal server error", httpStatus: 500, rpcCode: status.INTERNAL },
  unknownChannel: { code: 102, message: "unknown channel", httpStatus: 404, rpcCode: status.NOT_FOUND },
  notFound: { code: 104, message: "not found", httpStatus: 404, rpcCode: status.NOT_FOUND },
  badRequest: { code: 107, message: "bad request", httpStatus: 400, rpcCode: status.INVALID_ARGUMENT },
  notAvailable: { code: 108, message: "not available", httpStatus: 400, rpcCode: status.INVALID_ARGUMENT },
  unrecoverablePosition: {
    code: 112,
    message: "unrecoverable position",
    httpStatus: 416,
    rpcCode: status.OUT_OF_RANGE,
  },
  conflict: { code: 113, message: "conflict", httpStatus: 409, rpcCode: status.ALREADY_EXISTS },
};

const ENTRY_BY_CODE: ReadonlyMap<number, ApiErrorEntry> = new Map(
  Object.values(TABLE).map((entry) => [entry.code, entry]),
);

/** An error of the table, with the cause kept for the log; a bad request names its field (`badRequest`). */
export function apiError(name: Exclude<ApiErrorName, "badRequest">, cause?: unknown): ClientError {
  const { code, message } = TABLE[name];
  return new ClientError(code, message, false, cause === undefined ? undefined : { cause });
}

/** What an error is in transport error mode. */
export function transportStatus(error: ClientError): Pick<ApiErrorEntry, "httpStatus" | "rpcCode"> {
  return ENTRY_BY_CODE.get(error.code) ?? TABLE.internal;
}
