import { createServer, type Millrace } from "../../src/index.ts";
import { serveCalls } from "../process/host.ts";
import { payloadOf } from "../wire/messages.ts";
import { KEPT_CHANNEL, KEPT_NAMESPACE, LOOPBACK, TOKEN_SECRET } from "../wire/transport.ts";

const PAYLOAD_BYTES = 128;

/** The driver's view of a server whose clients come back. */
export interface RecoveryMethods {
  /** Listens for WebSockets on a free port of the loopback address; resolves to the port. */
  start(): Promise<number>;
  /** Publishes so many into the channel with history; resolves to the epoch. */
  publish(count: number): Promise<string>;
}

const server: Millrace = createServer({
  config: {
    http_server: { address: LOOPBACK, port: 0 },
    uni_websocket: { enabled: true },
    client: { token: { hmac_secret_key: TOKEN_SECRET }, ping_interval: "1h" },
    channel: {
      namespaces: [
        {
          name: KEPT_NAMESPACE,
          history_size: 100,
          history_ttl: "1h",
          force_recovery: true,
          allow_subscribe_for_client: true,
        },
      ],
    },
    log: { level: "error" },
  },
});

serveCalls<RecoveryMethods>({
  async start() {
    const { http } = await server.start();
    if (http === undefined) throw new Error("no listener");
    return http.port;
  },
  async publish(count) {
    let epoch = "";
    for (let i = 0; i < count; i++)
      ({ epoch } = await server.publish(KEPT_CHANNEL, payloadOf(PAYLOAD_BYTES)));
    return epoch;
  },
});
