import type { Socket } from "node:net";
import type { Disconnect } from "../../core/disconnect.ts";
import type { Farewell, PingingTransport, SocketConnection, SocketHost } from "../../core/socket-protocol.ts";
import type { WireFormat } from "../../core/wire-format.ts";
import { PING_FRAME } from "./control-frames.ts";
import { WebSocketTransport, type WebSocketTransportOptions } from "./transport.ts";

/** What all connections of an endpoint for messages both ways share. */
export interface SocketTransportOptions extends WebSocketTransportOptions {
  /** The protocol's name. */
  readonly name: string;
}

/** A WebSocket of a protocol that talks both ways: liveness and last words are the protocol's own. */
export class SocketTransport extends WebSocketTransport<SocketConnection> implements PingingTransport {
  readonly #host: SocketHost;
  readonly #options: SocketTransportOptions;

  constructor(socket: Socket, format: WireFormat, host: SocketHost, options: SocketTransportOptions) {
    super(socket, format, options);
    this.#host = host;
    this.#options = options;
  }

  get name(): string {
    return this.#options.name;
  }

  get deltaFormats(): undefined {
    return undefined;
  }

  get pingIntervalMs(): number {
    return 0;
  }

  get latencyMs(): number {
    return -1;
  }

  get sendsDisconnectPush(): boolean {
    return false;
  }

  ping(): void {
    if (this.isOpen) this.socket.write(PING_FRAME);
  }

  override receive(bytes: Buffer): void {
    this.connection?.heard();
    super.receive(bytes);
  }

  override onMessage(message: Buffer): void {
    if (this.isOpen) this.connection?.received(message);
  }

  /** It has been heard as it came. */
  override onPong(): void {}

  protected override farewell(reason: Disconnect): Farewell {
    return this.#host.farewell(reason);
  }
}
