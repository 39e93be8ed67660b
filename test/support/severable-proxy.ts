import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** A TCP proxy whose connections can be cut while something flows through them. */
export class SeverableProxy implements AsyncDisposable {
  readonly port: number;
  /** Where new connections go. */
  targetPort: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #cutBehind: string | undefined;
  #onCut: () => void = () => undefined;
  #connections = 0;

  private constructor(server: Server, targetPort: number) {
    // It listens on TCP.
    this.port = (server.address() as AddressInfo).port;
    this.#server = server;
    this.targetPort = targetPort;
    server.on("connection", (client: Socket) => this.#accept(client));
  }

  /** Listens on a free port of 127.0.0.1, and passes everything on to another one. */
  static async open(targetPort: number): Promise<SeverableProxy> {
    const server = createServer({ noDelay: true });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new SeverableProxy(server, targetPort);
  }

  /** Connections taken so far. */
  get connections(): number {
    return this.#connections;
  }

  /** Cuts every connection at once. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Cuts every connection right behind the next occurrence of the text in what the server sends, and resolves then. */
  cutBehind(text: string): Promise<void> {
    this.#cutBehind = text;
    return new Promise((resolve) => {
      this.#onCut = resolve;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, "close");
  }

  #accept(client: Socket): void {
    this.#connections += 1;
    const target = connect({ port: this.targetPort, host: "127.0.0.1", noDelay: true });
    for (const [from, to] of [
      [client, target],
      [target, client],
    ] as const) {
      this.#sockets.add(from);
      // What was cut ends with an error on one side or the other.
      from.on("error", () => undefined);
      from.once("close", () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
    client.on("data", (bytes: Buffer) => target.write(bytes));
    target.on("data", (bytes: Buffer) => this.#pass(bytes, client));
  }

  #pass(bytes: Buffer, client: Socket): void {
    const text = this.#cutBehind;
    const at = text === undefined ? -1 : bytes.indexOf(text);
    if (text === undefined || at < 0) {
      client.write(bytes);
      return;
    }
    this.#cutBehind = undefined;
    const end = at + Buffer.byteLength(text);
    // What has been passed on is to arrive before the end does.
    client.write(bytes.subarray(0, end), () => {
      this.cut();
      this.#onCut();
    });
  }
}
