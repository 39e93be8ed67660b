import type { Socket } from "node:net";
import type { WebSocket } from "ws";
import type { Disconnect } from "../../core/disconnect.ts";
import type { Farewell, SocketHost } from "../../core/socket-protocol.ts";
import type { WireFormat } from "../../core/wire-format.ts";
import { WebSocketTransport, type WebSocketTransportOptions } from "./transport.ts";

/** A WebSocket of a protocol that talks both ways: liveness and last words are the protocol's own. */
export class SocketTransport extends WebSocketTransport {
  readonly name: string;
  readonly deltaFormats = undefined;
  readonly pingIntervalMs = 0;
  readonly latencyMs = -1;
  readonly sendsDisconnectPush = false;
  readonly #host: SocketHost;

  constructor(
    name: string,
    host: SocketHost,
    webSocket: WebSocket,
    socket: Socket,
    format: WireFormat,
    options: WebSocketTransportOptions,
  ) {
    super(webSocket, socket, format, options);
    this.name = name;
    this.#host = host;
  }

  /** Nothing is done from time to time. */
  override onDue(): void {}

  protected override farewell(reason: Disconnect): Farewell {
    return this.#host.farewell(reason);
  }
}
