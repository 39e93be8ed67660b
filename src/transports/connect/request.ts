import type { IncomingMessage } from "node:http";
import { Code, ConnectError } from "@connectrpc/connect";
import { compressedFlag, type Compression, compressionNegotiate } from "@connectrpc/connect/protocol";
import { ClientError } from "../../core/client-error.ts";
import type { ConnectRequest } from "../../core/connect-request.ts";
import type { UniEncoding } from "../../core/uni-protocol.ts";
import { COMPRESSIONS, decompress, ENVELOPE_PREFIX_BYTES, UNLIMITED_BYTES } from "../../grpc/envelope.ts";
import { BodyTooLarge, readBody } from "../../http/body.ts";
import type { StreamProtocol } from "./protocol.ts";

/** How the one message of a request is written. */
export interface RequestForm {
  readonly protocol: StreamProtocol;
  readonly encoding: UniEncoding;
  /** The body is in base64. */
  readonly inBase64: boolean;
}

/** What the head of a request says. */
export interface RequestHead {
  /** The client's patience; undefined where it has no end. */
  readonly timeoutMs: number | undefined;
  readonly compression: Compression | null;
}

/** @throws ConnectError for a head that says something wrong, or unknown */
export function readHead({ protocol }: RequestForm, { headers }: IncomingMessage): RequestHead {
  const header = (name: string): string | null => headers[name]?.toString() ?? null;
  const { timeoutMs, error } = protocol.parseTimeout(header(protocol.timeoutHeader), Number.MAX_SAFE_INTEGER);
  if (error !== undefined) throw error;
  const encoding = header(protocol.encodingHeader);
  const negotiated = compressionNegotiate(COMPRESSIONS, encoding, null, protocol.acceptEncodingHeader);
  if (negotiated.error !== undefined) throw negotiated.error;
  return { timeoutMs, compression: negotiated.request };
}

/**
 * Reads the connect request, whose message may have `maxBytes` (0 or less: no limit).
 *
 * Rejects with ConnectError for what is no such request, and with the socket's error when the client has left.
 */
export async function readRequest(
  { encoding, inBase64 }: RequestForm,
  { compression }: RequestHead,
  maxBytes: number,
  request: IncomingMessage,
): Promise<ConnectRequest> {
  const body = await readEnvelopes(request, inBase64, maxBytes);
  const { flags, bytes } = onlyMessage(body, maxBytes);
  const message = flags === 0 ? bytes : await inflate(bytes, compression, maxBytes);
  try {
    return encoding.parseRequest(message);
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    const reason = error.cause instanceof Error ? error.cause.message : error.message;
    throw new ConnectError(`malformed connect request: ${reason}`, Code.InvalidArgument);
  }
}

async function readEnvelopes(request: IncomingMessage, inBase64: boolean, maxBytes: number): Promise<Buffer> {
  const maxEnvelopeBytes = maxBytes > 0 ? ENVELOPE_PREFIX_BYTES + maxBytes : 0;
  try {
    const body = await readBody(request, inBase64 ? Math.ceil(maxEnvelopeBytes / 3) * 4 : maxEnvelopeBytes);
    return inBase64 ? Buffer.from(body.toString("latin1"), "base64") : body;
  } catch (error) {
    throw error instanceof BodyTooLarge ? tooLarge(maxBytes) : error;
  }
}

/** The message of a body, whose envelope must be the only one. */
function onlyMessage(body: Buffer, maxBytes: number): { readonly flags: number; readonly bytes: Buffer } {
  if (body.length === 0) throw new ConnectError("the request has no message", Code.Unimplemented);
  if (body.length < ENVELOPE_PREFIX_BYTES) throw incomplete();
  const flags = body.readUInt8();
  const end = ENVELOPE_PREFIX_BYTES + body.readUInt32BE(1);
  if (maxBytes > 0 && end > ENVELOPE_PREFIX_BYTES + maxBytes) throw tooLarge(maxBytes);
  if (end > body.length) throw incomplete();
  if (end < body.length) throw new ConnectError("the request has more than a message", Code.Unimplemented);
  if (flags !== 0 && flags !== compressedFlag) {
    throw new ConnectError(`unknown flags ${flags} of an envelope`, Code.InvalidArgument);
  }
  return { flags, bytes: body.subarray(ENVELOPE_PREFIX_BYTES) };
}

async function inflate(
  bytes: Buffer,
  compression: Compression | null,
  maxBytes: number,
): Promise<Uint8Array> {
  if (compression === null) {
    throw new ConnectError("the message is compressed, and no header says how", Code.Internal);
  }
  return decompress(compression, bytes, maxBytes > 0 ? maxBytes : UNLIMITED_BYTES);
}

function incomplete(): ConnectError {
  return new ConnectError("the request ends within an envelope", Code.InvalidArgument);
}

function tooLarge(maxBytes: number): ConnectError {
  const message = `the message is larger than ${maxBytes} bytes (uni_grpc.max_receive_message_size)`;
  return new ConnectError(message, Code.ResourceExhausted);
}
