import { setImmediate as nextTurn } from "node:timers/promises";
import { createServer, type Millrace } from "../../src/index.ts";
import { serveCalls } from "../process/host.ts";
import { payloadOf } from "../wire/messages.ts";
import { CHANNEL, floodChannel, type TransportName } from "../wire/transport.ts";
import { fanOutMethods, type FanOutMethods, type FanOutServer, type Round } from "./fan-out-host.ts";
import { fanOutConfig } from "./millrace-config.ts";

/** What is published to each slow client in one step; once framed, nothing of it is shared. */
export interface Flood {
  readonly clients: number;
  readonly messages: number;
  readonly payloadBytes: number;
}

/** The driver's view of a server that has slow clients too. */
export interface SlowMethods extends FanOutMethods {
  flood(options: Flood): Promise<void>;
  /** TCP connections that the process holds. */
  connections(): Promise<number>;
}

/** Millrace whose slow clients are cut for nothing but what waits for them. */
class SlowServer implements FanOutServer {
  #server: Millrace | undefined;
  #payload: Uint8Array = new Uint8Array(0);

  async start(transport: TransportName): Promise<number> {
    const { uni_websocket: webSocket, ...config } = fanOutConfig(transport);
    this.#server = createServer({
      config: { ...config, uni_websocket: { ...webSocket, write_timeout: "1h" } },
    });
    const { http } = await this.#server.start();
    if (http === undefined) throw new Error("no listener");
    return http.port;
  }

  prepare({ payloadBytes }: Round): void {
    this.#payload = payloadOf(payloadBytes);
  }

  publish(): void {
    void this.#server?.publish(CHANNEL, this.#payload);
  }

  async flood({ clients, messages, payloadBytes }: Flood): Promise<void> {
    const payload = payloadOf(payloadBytes);
    for (let client = 0; client < clients; client++) {
      for (let message = 0; message < messages; message++) {
        void this.#server?.publish(floodChannel(client), payload);
      }
      // Few at a time: garbage of the flood itself is not what is looked for.
      // One after the other is the point.
      await nextTurn();
    }
  }
}

const server = new SlowServer();

serveCalls<SlowMethods>({
  ...fanOutMethods(server),
  flood: async (options) => server.flood(options),
  connections: async () => process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length,
});
