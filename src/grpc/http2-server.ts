import { constants, type Http2Server, type ServerHttp2Stream, type ServerOptions } from "node:http2";
import { type Server, status } from "@grpc/grpc-js";
import { type Http2Limits, http2ServerOptions, RequestGuard } from "../lib/http2-limits.ts";
import { HeaderBlockGuard } from "./header-block-guard.ts";

/** What grpc-js keeps to itself, hence the exact version in package.json. */
interface Internals {
  /** Options of the HTTP/2 servers that it makes. */
  readonly commonServerOptions?: ServerOptions;
  readonly http2Servers?: ReadonlyMap<Http2Server, unknown>;
}

/** How long a connection may be open before it says that it is HTTP/2. */
const PREFACE_TIMEOUT_MS = 10_000;

/** Sets limits to the HTTP/2 servers that a server makes from now on; it has options for the first one only. */
export function limitHttp2(server: Server, limits: Http2Limits): void {
  const { commonServerOptions: options } = internalsOf(server);
  if (options === undefined) throw new Error("this version of grpc-js keeps its options elsewhere");
  Object.assign(options, http2ServerOptions(limits));
}

/** Watches over connections and requests of the HTTP/2 servers that a server has made. */
export function guardHttp2(server: Server, requestTimeoutMs: number): void {
  const { http2Servers: servers } = internalsOf(server);
  if (servers === undefined) throw new Error("this version of grpc-js keeps its HTTP/2 servers elsewhere");
  const guard = new RequestGuard(requestTimeoutMs, (stream) => sendTimedOut(stream, requestTimeoutMs));
  const headerBlocks = new HeaderBlockGuard(requestTimeoutMs);
  for (const http2 of servers.keys()) {
    http2.on("session", (session) => {
      headerBlocks.watch(session);
      const timer = setTimeout(() => session.destroy(), PREFACE_TIMEOUT_MS);
      const stop = (): void => clearTimeout(timer);
      session.once("remoteSettings", stop).once("close", stop);
    });
    // Ahead of grpc-js, which reads the time-out as it likes.
    http2.prependListener("stream", (stream, headers) => {
      const timeout = headers[TIMEOUT_HEADER];
      if (typeof timeout === "string" && isEndless(timeout)) delete headers[TIMEOUT_HEADER];
      guard.watch(stream);
    });
  }
}

function internalsOf(server: Server): Internals {
  // Private members, of which the types do not tell.
  return server as unknown as Internals;
}

const TIMEOUT_HEADER = "grpc-timeout";
const TIMEOUT = /^(\d{1,8})([HMS])$/u;
const SECONDS_PER_UNIT: Readonly<Record<string, number>> = { H: 3600, M: 60, S: 1 };
/** What a timer can wait for. A longer time becomes none at all in grpc-js, or any. */
const MAX_TIMEOUT_SEC = (2 ** 31 - 1) / 1000;

/** Whether a time-out is longer than any connection lives: 25 days. */
function isEndless(timeout: string): boolean {
  const [, count, unit = ""] = TIMEOUT.exec(timeout) ?? [];
  return Number(count) * (SECONDS_PER_UNIT[unit] ?? 0) > MAX_TIMEOUT_SEC;
}

function sendTimedOut(stream: ServerHttp2Stream, timeoutMs: number): void {
  const message = `the request did not come within ${timeoutMs} ms`;
  stream.respond(
    {
      ":status": 200,
      "content-type": "application/grpc+proto",
      "grpc-status": status.DEADLINE_EXCEEDED,
      "grpc-message": message,
    },
    { endStream: true },
  );
  stream.close(constants.NGHTTP2_NO_ERROR);
}
