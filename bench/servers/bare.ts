import { serveFanOut, type FanOutServer, type Round } from "./fan-out-host.ts";
import { openSockets, type SocketSource } from "./bare-sockets.ts";
import { framedPush, payloadOf } from "../wire/messages.ts";
import type { TransportName } from "../wire/transport.ts";

/**
 * The practical limit: buffers framed in advance, written with `socket.write` to the sockets of connections that
 * the usual library (`ws`, `node:http`, grpc-js) has opened, and nothing else.
 */
class BareServer implements FanOutServer {
  #transport: TransportName = "uni_websocket";
  #source: SocketSource | undefined;
  #writes: readonly Buffer[] = [];

  async start(transport: TransportName): Promise<number> {
    this.#transport = transport;
    this.#source = await openSockets(transport);
    return this.#source.port;
  }

  prepare({ payloadBytes, burst, joined }: Round): void {
    const frame = framedPush(this.#transport, payloadOf(payloadBytes));
    const frames = Array<Buffer>(burst).fill(frame);
    this.#writes = joined ? [Buffer.concat(frames)] : frames;
  }

  publish(): void {
    const sockets = this.#source?.sockets ?? new Set();
    for (const bytes of this.#writes) {
      for (const socket of sockets) socket.write(bytes);
    }
  }
}

serveFanOut(new BareServer());
