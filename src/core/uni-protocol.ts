import type { StreamPosition } from "./stream-position.ts";
import type { Transport } from "./transport.ts";
import type { Codecs } from "./wire-format.ts";

/** What a client asks of one channel in its connect request. Offset and epoch are the position it has seen. */
export interface SubscriptionRequest {
  readonly recover: boolean;
  readonly offset: number;
  readonly epoch: string;
  /** The client can apply Fossil differences. */
  readonly delta: boolean;
}

/** The one message a unidirectional client sends. */
export interface ConnectRequest {
  /** JWT; "" when none was sent. */
  readonly token: string;
  /** What the client has to say to the backend, in whatever its encoding carries; undefined when not sent. */
  readonly data: Uint8Array | undefined;
  /** Stand in for headers of HTTP where the client cannot set any; names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** Name and version of the client's application; "" when not sent. */
  readonly name: string;
  readonly version: string;
  /** Channels the client would like to listen to. */
  readonly subs: ReadonlyMap<string, SubscriptionRequest>;
  /**
   * Where a client that resumes without code of its own was, by channel. What it missed comes as ordinary
   * publications.
   */
  readonly resumeFrom: ReadonlyMap<string, StreamPosition>;
}

/** Reads one request header, by lower-case name. Valid only until the connection is accepted. */
export type HeaderReader = (name: string) => string | undefined;

/** A unidirectional connection as its transport sees it. */
export interface UniConnection {
  /** Runs the client's request. Later calls do nothing. */
  connect(request: ConnectRequest, header?: HeaderReader): void;
  /**
   * Refuses a request that could not be read, with what `parseRequest` has thrown: ends with 3501 without a push, with
   * 3004 where that is no ClientError.
   */
  refuseRequest(error: unknown): void;
  /** The client is gone: releases everything. Called once. */
  closed(): void;
}

/** One encoding of the protocol: what the server writes and what the client may send. */
export interface UniEncoding extends Codecs {
  /** Reads a connect request, which keeps nothing of the bytes; throws ClientError 107 when it is malformed. */
  parseRequest(bytes: Uint8Array): ConnectRequest;
}

/** The unidirectional protocol as transports use it: they bring bytes, it holds the conversation. */
export interface UniProtocol {
  /** Centrifugo's JSON (docs/protocols/unidirectional.md §2.1, §4.1). */
  readonly json: UniEncoding;
  readonly protobuf: UniEncoding;
  /** The standard JSON mapping of the protobuf messages, as Connect clients expect it. */
  readonly protoJson: UniEncoding;
  /** Opens a session over the transport; it ends by itself when no request comes in time. */
  accept(transport: Transport): UniConnection;
}
