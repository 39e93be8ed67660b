import type { OpeningHeaders } from "./connect-request.ts";
import type { Disconnect } from "./disconnect.ts";
import type { Transport } from "./transport.ts";
import type { Codecs } from "./wire-format.ts";

/** Request of a client for a connection. Valid only until the connection is accepted. */
export interface BidiRequest {
  /** What follows the endpoint's path, still percent-encoded: "app-key" of `/app/app-key`; "" where nothing may. */
  readonly name: string;
  /** Target of the request as it came, with the query. */
  readonly url: string;
  readonly query: URLSearchParams;
  /** Origin of the web page that asks; undefined where none does. */
  readonly origin: string | undefined;
  /** The one of the protocol's subprotocols that is agreed on; undefined where the client offered none of them. */
  readonly subprotocol: string | undefined;
  /** Network address of the client, or of the last proxy in front. */
  readonly peerAddress: string;
  /** They alone stay valid. */
  readonly headers: OpeningHeaders;
}

/** Form of a protocol's messages. One object for all connections that have it, or they would not share frames. */
export interface MessageEncoding extends Codecs {
  /** Label as proxies and the Connections API see it. */
  readonly label: "json" | "protobuf";
  /** Kind of the messages that go out. Those that come in may be of either. */
  readonly messages: "text" | "binary";
  /** What stands between pushes that go out as one message; undefined where each is a message by itself. */
  readonly separator: Uint8Array | undefined;
}

/** Pings of the transport, below the protocol: a client that leaves one unanswered is cut. Milliseconds above 0. */
export interface Heartbeat {
  readonly intervalMs: number;
  /** How long a ping may stay unanswered. */
  readonly timeoutMs: number;
}

/** Last message of a connection, and its close frame. */
export interface CloseMessage {
  /** Sent before the close frame; empty for nothing. */
  readonly message: Uint8Array;
  /** Of the close frame (RFC 6455 §7.4). */
  readonly code: number;
  readonly reason: string;
}

/** What a transport needs to know of a connection for as long as it lasts. */
export interface BidiSettings {
  readonly encoding: MessageEncoding;
  /** Milliseconds between pings in the words of the protocol, which the session sends; 0 or less for none. */
  readonly pingIntervalMs: number;
  /** Undefined where the conversation sees to it by itself that its client is there. */
  readonly heartbeat: Heartbeat | undefined;
  /** False where the close message says everything that a `disconnect` push would. */
  readonly sendsDisconnectPush: boolean;
  /** How the end of the connection is told to its client; undefined cuts the connection without a close frame. */
  closeMessage(reason: Disconnect): CloseMessage | undefined;
}

/** Transport of messages both ways, as the conversation over it sees it. */
export interface BidiTransport extends Transport {
  /** Sends a ping of the transport; its answer is told as `heard`. Never throws. */
  ping(): void;
  /** Messages of the client matter no more: compressed ones come empty from now on, and cost nothing. Idempotent. */
  dropMessages(): void;
}

/** Conversation over messages both ways, as its transport sees it. */
export interface BidiConnection {
  /** Something has come from the client: a message, a part of one, or an answer to a ping. Never throws. */
  heard(): void;
  /** Takes one message of the client; valid only during the call. Never throws. */
  received(message: Uint8Array): void;
  /** The client is gone: releases everything. Called once. */
  closed(): void;
}

/** Party that takes a connection. */
export interface BidiHost {
  readonly settings: BidiSettings;
  /** Opens a session over the transport. Whom it does not want, it tells so over the transport. */
  accept(transport: BidiTransport): BidiConnection;
}

/** Refusal of a request by the status of the HTTP response to it, with a line of text. */
export interface BidiRefusal {
  readonly status: number;
  readonly text: string;
}

/**
 * Protocol over messages both ways as transports use it: they bring bytes, it holds the conversation.
 *
 * Clients that may not connect can be refused in two places: by the transport's endpoint, which answers their request
 * with a status and is told the origins and limits to do so by, or by the host, which ends the connection. Protocols
 * whose clients understand only the latter do it all by themselves.
 */
export interface BidiProtocol {
  /** Name of its transport as the Connections API sees it, such as "pusher". */
  readonly name: string;
  /** Subprotocols that clients may offer (RFC 6455 §1.9); of a client's, the first that is among them is agreed on. */
  readonly subprotocols: readonly string[];
  /**
   * Finds out who takes a connection, before the request is answered. It may be refused all the same, so this takes
   * nothing from any limit.
   */
  open(request: BidiRequest): BidiHost | BidiRefusal;
}

/** Encoding of connections that are told nothing but why they end. */
const NO_PUSHES: MessageEncoding = {
  codec: { id: "none", encode: () => undefined },
  deltaCodecs: undefined,
  label: "json",
  messages: "text",
  separator: undefined,
};

const NO_CONVERSATION: BidiConnection = {
  heard: () => undefined,
  received: () => undefined,
  closed: () => undefined,
};

/**
 * A host that opens connections only to end them, for clients that take a close message seriously and nothing else.
 * `onRefused` is told of each.
 */
export function refusingHost(
  reason: Disconnect,
  closeMessage: BidiSettings["closeMessage"],
  onRefused: (peerAddress: string) => void,
): BidiHost {
  return {
    settings: {
      encoding: NO_PUSHES,
      pingIntervalMs: 0,
      heartbeat: undefined,
      sendsDisconnectPush: false,
      closeMessage,
    },
    accept(transport) {
      onRefused(transport.peerAddress);
      transport.close(reason);
      return NO_CONVERSATION;
    },
  };
}
