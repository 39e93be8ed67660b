import { connect, constants, type IncomingHttpHeaders, type IncomingHttpStatusHeader } from "node:http2";
import { Code } from "@connectrpc/connect";
import { codeFromString } from "@connectrpc/connect/protocol-connect";

/** The bytes of one call, as a client without manners may send them. */
export interface RawCall {
  readonly path: string;
  readonly contentType: string;
  readonly body: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  /** False leaves the request open. Default: true. */
  readonly endsRequest?: boolean;
}

/** What a call was answered with, in any of the protocols. */
export interface RpcOutcome {
  /** Status of HTTP. */
  readonly status: number | undefined;
  /** 0 for success. */
  readonly code: number | undefined;
  readonly message: string;
  /** Messages in front of the outcome. */
  readonly messages: readonly Buffer[];
  readonly headers: IncomingHttpHeaders;
}

/** One envelope: flags, length, message. */
export function rawEnvelope(message: string | Uint8Array, flags = 0): Buffer {
  const bytes = Buffer.from(message);
  const prefix = Buffer.alloc(5);
  prefix[0] = flags;
  prefix.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([prefix, bytes]);
}

/** Makes a call over HTTP/2, and resolves once the stream of it has ended. */
export async function callRaw(origin: string, call: RawCall): Promise<RpcOutcome> {
  const session = connect(origin);
  try {
    const stream = session.request(
      { ":method": "POST", ":path": call.path, "content-type": call.contentType, ...call.headers },
      { endStream: false },
    );
    if (call.endsRequest === false) stream.write(call.body);
    else stream.end(call.body);
    let headers: IncomingHttpHeaders & IncomingHttpStatusHeader = {};
    let trailers: IncomingHttpHeaders = {};
    const chunks: Buffer[] = [];
    stream.on("response", (got) => (headers = got));
    stream.on("trailers", (got) => (trailers = got));
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    await new Promise<void>((resolve, reject) => {
      session.once("error", reject);
      stream.once("error", reject);
      stream.once("end", resolve);
    });
    stream.close(constants.NGHTTP2_NO_ERROR);
    const status = headers[":status"];
    return { status, headers, ...readOutcome(call.contentType, Buffer.concat(chunks), headers, trailers) };
  } finally {
    session.destroy();
  }
}

type Told = Pick<RpcOutcome, "code" | "message" | "messages">;

function readOutcome(
  contentType: string,
  body: Buffer,
  headers: IncomingHttpHeaders & IncomingHttpStatusHeader,
  trailers: IncomingHttpHeaders,
): Told {
  if (contentType.startsWith("application/grpc-web")) {
    const envelopes = readEnvelopes(contentType.includes("-text") ? fromBase64(body) : body);
    const end = envelopes.find(({ flags }) => flags === 0x80)?.message.toString() ?? "";
    const lines = end.split("\r\n").map((line) => line.split(/:\s*/u, 2));
    return { ...fromTrailers(Object.fromEntries(lines)), messages: messagesOf(envelopes) };
  }
  if (contentType.startsWith("application/grpc")) {
    return { ...fromTrailers({ ...headers, ...trailers }), messages: messagesOf(readEnvelopes(body)) };
  }
  if (contentType.startsWith("application/connect")) {
    const envelopes = readEnvelopes(body);
    const end: { error?: { code: string; message: string } } = JSON.parse(
      envelopes.find(({ flags }) => flags === 0x02)?.message.toString() ?? "null",
    );
    return {
      code: end.error === undefined ? 0 : codeFromString(end.error.code),
      message: end.error?.message ?? "",
      messages: messagesOf(envelopes),
    };
  }
  if (headers[":status"] === 200) return { code: 0, message: "", messages: [body] };
  const error: { code: string; message: string } = JSON.parse(body.toString());
  return { code: codeFromString(error.code), message: error.message, messages: [] };
}

function fromTrailers(fields: Readonly<Record<string, unknown>>): Omit<Told, "messages"> {
  return {
    code: Number(fields["grpc-status"]),
    message: decodeURIComponent(textOf(fields["grpc-message"])),
  };
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function fromBase64(body: Buffer): Buffer {
  const parts = body.toString("latin1").match(/[^=]+=*/gu) ?? [];
  return Buffer.concat(parts.map((part) => Buffer.from(part, "base64")));
}

interface Envelope {
  readonly flags: number;
  readonly message: Buffer;
}

function messagesOf(envelopes: readonly Envelope[]): Buffer[] {
  return envelopes.filter(({ flags }) => flags === 0).map(({ message }) => message);
}

function readEnvelopes(bytes: Buffer): Envelope[] {
  const envelopes: Envelope[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + 5 + bytes.readUInt32BE(at + 1);
    envelopes.push({ flags: bytes.readUInt8(at), message: bytes.subarray(at + 5, end) });
    at = end;
  }
  return envelopes;
}

/** Name of a code, for messages of tests. */
export function codeName(code: number | undefined): string {
  return code === 0 ? "ok" : (Code[code ?? -1] ?? String(code));
}
