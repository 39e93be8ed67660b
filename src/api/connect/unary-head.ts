import type { IncomingMessage } from "node:http";
import { parseContentType, parseTimeout } from "@connectrpc/connect/protocol-connect";

/** What the head of a unary request says about it. */
export interface UnaryHead {
  /** Messages are in protobuf's binary form, else in its JSON. */
  readonly isBinary: boolean;
  /** The caller's deadline; undefined for none. */
  readonly timeoutMs: number | undefined;
}

/** Reads the head of an uncompressed unary request; undefined for any other, and for one that is to be refused. */
export function readUnaryHead({ method, headers }: IncomingMessage, maxBytes: number): UnaryHead | undefined {
  const { "content-type": type, "content-length": length, "content-encoding": encoding } = headers;
  if (method !== "POST" || type === undefined) return undefined;
  if (encoding !== undefined && encoding !== "identity") return undefined;
  if (length !== undefined && Number(length) > maxBytes) return undefined;
  const format = parseContentType(type);
  if (format === undefined || format.stream) return undefined;
  const timeout = headers["connect-timeout-ms"];
  if (timeout === undefined) return { isBinary: format.binary, timeoutMs: undefined };
  const { timeoutMs, error } = parseTimeout(String(timeout), Number.MAX_SAFE_INTEGER);
  return error === undefined ? { isBinary: format.binary, timeoutMs } : undefined;
}
