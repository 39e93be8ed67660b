import { createServer, type ServerHttp2Stream } from "node:http2";
import { listen } from "../process/listen.ts";
import { grpcMessage } from "../wire/http2.ts";
import { greetingPush, payloadOf, protobufPush } from "../wire/messages.ts";
import { serveFanOut, type FanOutServer, type Round } from "./fan-out-host.ts";

/** The least that `node:http2` can do for a gRPC stream: one `stream.write()` of ready-made bytes per round. */
class BareHttp2Server implements FanOutServer {
  readonly #streams = new Set<ServerHttp2Stream>();
  #bytes: Buffer = Buffer.alloc(0);

  async start(): Promise<number> {
    const server = createServer();
    server.on("session", (session) => session.on("error", () => session.destroy()));
    server.on("stream", (stream) => {
      this.#streams.add(stream);
      stream.once("close", () => this.#streams.delete(stream));
      stream.on("error", () => stream.destroy());
      stream.respond({ ":status": 200, "content-type": "application/grpc+proto" });
      stream.write(grpcMessage(greetingPush()));
    });
    return listen(server);
  }

  prepare({ payloadBytes, burst }: Round): void {
    const message = grpcMessage(protobufPush(payloadOf(payloadBytes)));
    this.#bytes = Buffer.concat(Array<Buffer>(burst).fill(message));
  }

  publish(): void {
    for (const stream of this.#streams) stream.write(this.#bytes);
  }
}

serveFanOut(new BareHttp2Server());
