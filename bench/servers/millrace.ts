import { createServer, type Millrace } from "../../src/index.ts";
import { payloadOf } from "../wire/messages.ts";
import { publishChannel, type TransportName } from "../wire/transport.ts";
import { serveFanOut, type FanOutServer, type Round } from "./fan-out-host.ts";
import { fanOutConfig } from "./millrace-config.ts";

const pings = process.argv[2] === undefined ? {} : { pingInterval: process.argv[2] };

/**
 * The server that all this is about, embedded: it publishes through the library's own `publish`. The first argument,
 * if any, is the interval between pings.
 */
class MillraceServer implements FanOutServer {
  #server: Millrace | undefined;
  #channel = "";
  #payload: Uint8Array = new Uint8Array(0);
  #burst = 1;

  async start(transport: TransportName): Promise<number> {
    this.#channel = publishChannel(transport);
    this.#server = createServer({ config: fanOutConfig(transport, pings) });
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
    for (let i = 0; i < this.#burst; i++) this.#server?.publish(this.#channel, this.#payload).catch(fail);
  }
}

/** A publication that fails makes every figure worthless. */
function fail(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}

serveFanOut(new MillraceServer());
