import type { Disconnect } from "./disconnect.ts";
import type { HeaderReader } from "./uni-protocol.ts";
import type { Transport } from "./transport.ts";
import type { Codec } from "./wire-format.ts";

/** How a client asks for a connection: what is left of its request. */
export interface SocketRequest {
  /** What follows the endpoint's path, still percent-encoded: "app-key" of `/app/app-key`; "" where nothing may. */
  readonly name: string;
  readonly query: URLSearchParams;
  /** Valid only until the connection is accepted. */
  readonly header: HeaderReader;
}

/** A transport of messages both ways, as the conversation over it sees it. */
export interface PingingTransport extends Transport {
  /** Has the client show that it is there, below the protocol; its answer is told as `heard`. Never throws. */
  ping(): void;
}

/** A conversation over messages both ways, as its transport sees it. */
export interface SocketConnection {
  /** Something has come from the client: a message, a part of one, or an answer to a ping. Never throws. */
  heard(): void;
  /** Takes one message of the client; valid only during the call. Never throws. */
  received(message: Uint8Array): void;
  /** The client is gone: releases everything. Called once. */
  closed(): void;
}

/** The last words of a connection. */
export interface Farewell {
  /** Sent before the close frame; empty for nothing. */
  readonly message: Uint8Array;
  /** Of the close frame (RFC 6455 §7.4). */
  readonly code: number;
  readonly reason: string;
}

/** Who takes a connection, and what its messages are encoded with. */
export interface SocketHost {
  readonly codec: Codec;
  /** How the end of a connection is told to its client. */
  farewell(reason: Disconnect): Farewell;
  /** Opens a session over the transport. Whom it does not want, it tells so over the transport. */
  accept(transport: PingingTransport): SocketConnection;
}

/** A protocol over messages both ways as transports use it: they bring bytes, it holds the conversation. */
export interface SocketProtocol {
  /** Name of its transport as the Connections API sees it, such as "pusher". */
  readonly name: string;
  /** Subprotocols of WebSocket that clients may ask for (RFC 6455 §1.9). */
  readonly subprotocols: readonly string[];
  /** Finds out who takes a connection, before the handshake is answered. */
  hostOf(request: SocketRequest): SocketHost;
}
