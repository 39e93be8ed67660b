import { createServer } from "node:http";
import { WebSocketServer } from "ws";
import { listen } from "../process/listen.ts";
import { connectPush, payloadOf, webSocketText } from "../wire/messages.ts";
import type { TransportName } from "../wire/transport.ts";
import { serveFanOut, type FanOutServer, type Round } from "./fan-out-host.ts";

/** What one writes first: `ws.send()` of an encoded message, for every message and every client. */
class NaiveServer implements FanOutServer {
  readonly #http = createServer();
  readonly #webSockets = new WebSocketServer({ server: this.#http, perMessageDeflate: false });
  #transport: TransportName = "uni_websocket";
  #message: Buffer = Buffer.alloc(0);
  #burst = 1;

  async start(transport: TransportName): Promise<number> {
    this.#transport = transport;
    this.#webSockets.on("connection", (client) => {
      client.on("error", () => client.terminate());
      client.send(connectPush(), { binary: false });
    });
    return listen(this.#http);
  }

  prepare({ payloadBytes, burst }: Round): void {
    this.#message = webSocketText(this.#transport, payloadOf(payloadBytes));
    this.#burst = burst;
  }

  publish(): void {
    for (let i = 0; i < this.#burst; i++) {
      for (const client of this.#webSockets.clients) client.send(this.#message, { binary: false });
    }
  }
}

serveFanOut(new NaiveServer());
