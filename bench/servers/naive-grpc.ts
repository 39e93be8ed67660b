import { promisify } from "node:util";
import { Server, ServerCredentials, type ServerWritableStream } from "@grpc/grpc-js";
import { greetingPush, payloadOf, protobufPush } from "../wire/messages.ts";
import { LOOPBACK, pathOf } from "../wire/transport.ts";
import { serveFanOut, type FanOutServer, type Round } from "./fan-out-host.ts";

type Call = ServerWritableStream<Buffer, Buffer>;

/** The least that grpc-js can do: `call.write()` of an encoded message, for every message and every client. */
class NaiveGrpcServer implements FanOutServer {
  readonly #server = new Server();
  readonly #calls = new Set<Call>();
  #message: Buffer = Buffer.alloc(0);
  #burst = 1;

  async start(): Promise<number> {
    const consume = (call: Call): void => {
      this.#calls.add(call);
      call.once("close", () => this.#calls.delete(call));
      call.on("error", () => call.end());
      call.write(greetingPush());
    };
    this.#server.register(pathOf("uni_grpc"), consume, sameBytes, sameBytes, "serverStream");
    const bind = promisify(this.#server.bindAsync.bind(this.#server));
    return bind(`${LOOPBACK}:0`, ServerCredentials.createInsecure());
  }

  prepare({ payloadBytes, burst }: Round): void {
    this.#message = protobufPush(payloadOf(payloadBytes));
    this.#burst = burst;
  }

  publish(): void {
    for (let i = 0; i < this.#burst; i++) {
      for (const call of this.#calls) call.write(this.#message);
    }
  }
}

function sameBytes(bytes: Buffer): Buffer {
  return bytes;
}

serveFanOut(new NaiveGrpcServer());
