import { createServer, type ConfigInput, type Millrace } from "../../src/index.ts";
import { payloadOf } from "../wire/messages.ts";
import { CHANNEL, LOOPBACK, type TransportName } from "../wire/transport.ts";
import { serveFanOut, type FanOutServer, type Round } from "./fan-out-host.ts";

/** The server that all this is about, embedded: it publishes through the library's own `publish`. */
class MillraceServer implements FanOutServer {
  #server: Millrace | undefined;
  #payload: Uint8Array = new Uint8Array(0);
  #burst = 1;

  async start(transport: TransportName): Promise<number> {
    this.#server = createServer({ config: configFor(transport) });
    const { http, uniGrpc } = await this.#server.start();
    const address = transport === "uni_grpc" ? uniGrpc : http;
    if (address === undefined) throw new Error(`${transport} has no listener`);
    return address.port;
  }

  prepare({ payloadBytes, burst }: Round): void {
    this.#payload = payloadOf(payloadBytes);
    this.#burst = burst;
  }

  publish(): void {
    for (let i = 0; i < this.#burst; i++) this.#server?.publish(CHANNEL, this.#payload).catch(fail);
  }
}

function configFor(transport: TransportName): ConfigInput {
  return {
    http_server: { address: LOOPBACK, port: 0 },
    // Pings would be counted as publications; uni_grpc pings all the same, which its receiver can tell apart.
    client: { allow_anonymous_connect_without_token: true, ping_interval: "1h" },
    channel: {
      without_namespace: { allow_subscribe_for_client: true, allow_subscribe_for_anonymous: true },
    },
    uni_websocket: { enabled: transport === "uni_websocket" },
    uni_http_stream: { enabled: transport === "uni_http_stream" },
    uni_sse: { enabled: transport === "uni_sse" },
    uni_grpc: { enabled: transport === "uni_grpc", address: LOOPBACK, port: 0 },
    log: { level: "error" },
  };
}

/** A publication that fails makes every figure worthless. */
function fail(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}

serveFanOut(new MillraceServer());
