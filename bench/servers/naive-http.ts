import { createServer, type ServerResponse } from "node:http";
import { listen } from "../process/listen.ts";
import type { TransportName } from "../wire/transport.ts";
import { connectPush, jsonPush, payloadOf, streamedMessage } from "../wire/messages.ts";
import { serveFanOut, type FanOutServer, type Round } from "./fan-out-host.ts";

/** What one writes first: `response.write()` of an encoded message, for every message and every client. */
class NaiveHttpServer implements FanOutServer {
  readonly #responses = new Set<ServerResponse>();
  #transport: TransportName = "uni_sse";
  #message: Buffer = Buffer.alloc(0);
  #burst = 1;

  async start(transport: TransportName): Promise<number> {
    this.#transport = transport;
    const contentType = transport === "uni_sse" ? "text/event-stream" : "text/plain";
    const server = createServer((request, response) => {
      request.resume();
      response.writeHead(200, { "Content-Type": `${contentType}; charset=utf-8` });
      response.write(streamedMessage(transport, connectPush()));
      this.#responses.add(response);
      response.once("close", () => this.#responses.delete(response));
    });
    return listen(server);
  }

  prepare({ payloadBytes, burst }: Round): void {
    this.#message = streamedMessage(this.#transport, jsonPush(payloadOf(payloadBytes)));
    this.#burst = burst;
  }

  publish(): void {
    for (let i = 0; i < this.#burst; i++) {
      for (const response of this.#responses) response.write(this.#message);
    }
  }
}

serveFanOut(new NaiveHttpServer());
