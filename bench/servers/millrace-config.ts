import type { ConfigInput } from "../../src/index.ts";
import { LOOPBACK, PUSHER_APP, type TransportName } from "../wire/transport.ts";

/** Where the server listens, and what differs between scenarios. Ports of 0 are free ones. */
export interface FanOutConfigOptions {
  readonly port?: number;
  readonly grpcPort?: number;
  readonly pingInterval?: string;
}

/** Millrace with one transport, for anybody, without history. */
export function fanOutConfig(
  transport: TransportName,
  // Pings would be counted as publications; uni_grpc pings all the same, which its receiver can tell apart.
  { port = 0, grpcPort = 0, pingInterval = "1h" }: FanOutConfigOptions = {},
): ConfigInput {
  return {
    http_server: { address: LOOPBACK, port },
    client: { allow_anonymous_connect_without_token: true, ping_interval: pingInterval },
    channel: {
      without_namespace: { allow_subscribe_for_client: true, allow_subscribe_for_anonymous: true },
    },
    uni_websocket: { enabled: transport === "uni_websocket" },
    uni_http_stream: { enabled: transport === "uni_http_stream" },
    uni_sse: { enabled: transport === "uni_sse" },
    uni_grpc: { enabled: transport === "uni_grpc", address: LOOPBACK, port: grpcPort },
    pusher: { enabled: transport === "pusher", activity_timeout: "1h", apps: [PUSHER_APP] },
    log: { level: "error" },
  };
}
