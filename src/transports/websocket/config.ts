import { z } from "zod";
import { duration } from "../../config/duration.ts";
import { section, type Section } from "../../config/section.ts";

/** Section `uni_websocket`: the WebSocket transport. */
export interface UniWebSocketConfig {
  readonly enabled: boolean;
  readonly handler_prefix: string;
  readonly message_size_limit: number;
  readonly decompressed_message_size_limit: number;
  readonly compression: boolean;
  readonly compression_level: number;
  readonly compression_min_size: number;
  readonly write_timeout: number;
  readonly join_push_messages: boolean;
  readonly disable_closing_handshake: boolean;
  readonly disable_disconnect_push: boolean;
  readonly read_buffer_size: number;
  readonly write_buffer_size: number;
  readonly use_write_buffer_pool: boolean;
}

export const uniWebSocketConfig: Section<UniWebSocketConfig> = section<UniWebSocketConfig>(
  "Unidirectional WebSocket: the client sends one connect request and then only listens.",
  {
    enabled: z.boolean().default(false).describe("Serves unidirectional WebSocket."),
    handler_prefix: z.string().default("/connection/uni_websocket").describe("Its path on the HTTP server."),
    message_size_limit: z
      .int()
      .default(65_536)
      .describe(
        "Bytes that a client's message may have; a larger one closes with 1009. 0 or less for no limit.",
      ),
    decompressed_message_size_limit: z
      .int()
      .default(0)
      .describe("Bytes that a compressed message may grow to; 0 for ten times `message_size_limit`."),
    compression: z
      .boolean()
      .default(false)
      .describe("Offers permessage-deflate (RFC 7692), without context takeover."),
    compression_level: z
      .int()
      .min(-2)
      .max(9)
      .default(1)
      .describe("Deflate level; 1 is the fastest, 9 the smallest."),
    compression_min_size: z
      .int()
      .default(0)
      .describe("Sends payloads of at most this many bytes uncompressed."),
    write_timeout: duration("1s").describe(
      "How long the network may take nothing of what waits before the connection is dropped; 0 or less for any time.",
    ),
    join_push_messages: z
      .boolean()
      .default(false)
      .describe("Sends up to 16 waiting pushes in one frame, with newlines between them."),
    disable_closing_handshake: z
      .boolean()
      .default(false)
      .describe("Closes the TCP connection without a close frame."),
    disable_disconnect_push: z
      .boolean()
      .default(false)
      .describe("Ends a connection with the close frame alone, without a disconnect push before it."),
    read_buffer_size: z.int().default(0).describe("Accepted for compatibility; has no effect."),
    write_buffer_size: z.int().default(0).describe("Accepted for compatibility; has no effect."),
    use_write_buffer_pool: z.boolean().default(false).describe("Accepted for compatibility; has no effect."),
  },
);
