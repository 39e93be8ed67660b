import type { IncomingMessage } from "node:http";
import { type ClientOptions, WebSocket } from "ws";
import { parsePush, type PushJson } from "./push-stream.ts";
import type { RunningServer } from "./running-server.ts";
import { Signal } from "./signal.ts";

/** How a WebSocket ended: 1005 for a close frame without code, 1006 for none at all. */
export interface WebSocketEnd {
  readonly code: number;
  readonly reason: string;
}

/** A handshake that was refused. */
export class UpgradeRefused extends Error {
  override readonly name = "UpgradeRefused";
  readonly response: IncomingMessage;
  readonly body: string;

  constructor(response: IncomingMessage, body: string) {
    super(`status ${response.statusCode}`);
    this.response = response;
    this.body = body;
  }
}

/** A client of `ws` whose messages wait until they are asked for. */
export class WebSocketClient implements Disposable {
  readonly socket: WebSocket;
  readonly #signal = new Signal();
  readonly #frames: string[] = [];
  #read = 0;
  #end: WebSocketEnd | undefined;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("message", (data, isBinary) => {
      if (isBinary || !Buffer.isBuffer(data)) throw new Error("a frame that is not text");
      this.#frames.push(data.toString());
      this.#signal.notify();
    });
    // The close event that follows carries what tests look at.
    socket.on("error", () => undefined);
    socket.on("close", (code, reason) => {
      this.#end = { code, reason: reason.toString() };
      this.#signal.notify();
    });
  }

  /** Resolves once the socket is open; rejects with UpgradeRefused. */
  static open(url: string, options: ClientOptions = {}): Promise<WebSocketClient> {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(url, { perMessageDeflate: false, ...options });
      const client = new WebSocketClient(socket);
      socket.once("error", reject);
      socket.once("unexpected-response", (_request, response) => {
        const body: Buffer[] = [];
        response.on("data", (bytes: Buffer) => body.push(bytes));
        response.on("end", () => reject(new UpgradeRefused(response, Buffer.concat(body).toString())));
      });
      socket.once("open", () => resolve(client));
    });
  }

  /** Messages received, read or not. */
  get frames(): readonly string[] {
    return this.#frames;
  }

  send(message: unknown): void {
    this.socket.send(JSON.stringify(message));
  }

  /** The next message. */
  async nextText(): Promise<string> {
    await this.#signal.until(() => this.#frames.length > this.#read || this.#end !== undefined, "frame");
    const frame = this.#frames[this.#read];
    if (frame === undefined) throw new Error(`closed with ${JSON.stringify(this.#end)}`);
    this.#read += 1;
    return frame;
  }

  async next(): Promise<PushJson> {
    return parsePush(await this.nextText());
  }

  async untilClosed(limitMs?: number): Promise<WebSocketEnd> {
    await this.#signal.until(() => this.#end !== undefined, "close", limitMs);
    return this.#end ?? { code: 0, reason: "" };
  }

  [Symbol.dispose](): void {
    this.socket.terminate();
  }
}

/** Opens a WebSocket and sends a connect request as its first message. */
export async function openWebSocket(
  server: Pick<RunningServer, "url">,
  connect: unknown = {},
  options: ClientOptions = {},
): Promise<WebSocketClient> {
  const client = await WebSocketClient.open(server.url("uni_websocket"), options);
  client.send(connect);
  return client;
}
