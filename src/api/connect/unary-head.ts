import type { IncomingMessage } from "node:http";
import { type Compression, compressionNegotiate } from "@connectrpc/connect/protocol";
import {
  headerUnaryAcceptEncoding,
  parseContentType,
  parseTimeout,
} from "@connectrpc/connect/protocol-connect";
import { COMPRESSIONS } from "../../grpc/compression.ts";

/** What the head of a unary request says about it. */
export interface UnaryHead {
  /** Messages are in protobuf's binary form, else in its JSON. */
  readonly isBinary: boolean;
  /** The caller's deadline; undefined for none. */
  readonly timeoutMs: number | undefined;
  /** How the request is compressed. */
  readonly requestCompression: Compression | null;
  /** How the caller would have a long response compressed. */
  readonly responseCompression: Compression | null;
}

/** Reads the head of a unary request; undefined for any other, and for one that is to be refused. */
export function readUnaryHead({ method, headers }: IncomingMessage, maxBytes: number): UnaryHead | undefined {
  const { "content-type": type, "content-length": length } = headers;
  if (method !== "POST" || type === undefined) return undefined;
  if (length !== undefined && Number(length) > maxBytes) return undefined;
  const format = parseContentType(type);
  if (format === undefined || format.stream) return undefined;
  const { request, response, error } = compressionNegotiate(
    COMPRESSIONS,
    headers["content-encoding"] ?? null,
    headers["accept-encoding"] ?? null,
    headerUnaryAcceptEncoding,
  );
  const timeout = parseTimeout(headers["connect-timeout-ms"]?.toString() ?? null, Number.MAX_SAFE_INTEGER);
  if (error !== undefined || timeout.error !== undefined) return undefined;
  return {
    isBinary: format.binary,
    timeoutMs: timeout.timeoutMs,
    requestCompression: request,
    responseCompression: response,
  };
}
