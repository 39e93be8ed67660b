import { z } from "zod";
import { DEFAULT_HTTP2_LIMITS, type Http2Limits } from "../../lib/http2-limits.ts";
import { duration } from "../duration.ts";
import { section, type Section } from "../section.ts";

/** What the peer of one HTTP/2 connection may do. */
export interface Http2Config {
  readonly max_concurrent_streams: number;
  readonly max_header_fields: number;
  readonly max_stream_resets_per_second: number;
  readonly request_timeout: number;
}

/** Limits of each HTTP/2 connection of one listener. */
export const http2Config: Section<Http2Config> = section<Http2Config>(
  "What each HTTP/2 connection may do. Behind a proxy or in a mesh many clients share one.",
  {
    max_concurrent_streams: z
      .int()
      .default(DEFAULT_HTTP2_LIMITS.maxConcurrentStreams)
      .describe(
        "Streams open at a time; clients and proxies are told, and open another connection or wait. 0 or less for no limit.",
      ),
    max_header_fields: z
      .int()
      .default(DEFAULT_HTTP2_LIMITS.maxHeaderFields)
      .describe(
        "Header fields, or metadata, of a request; one with more is refused. 0 or less for no limit.",
      ),
    max_stream_resets_per_second: z
      .int()
      .default(DEFAULT_HTTP2_LIMITS.maxStreamResetsPerSec)
      .describe(
        "Streams that are cancelled in a second, and ten times as many at once; beyond, the connection is cut. 0 or less for no limit.",
      ),
    request_timeout: duration("30s").describe(
      "How long a request may take to come; then its stream ends. 0 or less for any time.",
    ),
  },
);

/** The limits as listeners take them. */
export function http2Limits(config: Http2Config): Http2Limits {
  return {
    maxConcurrentStreams: config.max_concurrent_streams,
    maxHeaderFields: config.max_header_fields,
    maxStreamResetsPerSec: config.max_stream_resets_per_second,
    requestTimeoutMs: config.request_timeout,
  };
}
