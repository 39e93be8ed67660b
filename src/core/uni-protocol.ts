import type { ConnectRequest, OpeningHeaders } from "./connect-request.ts";
import type { Transport } from "./transport.ts";
import type { Codecs } from "./wire-format.ts";

/** A unidirectional connection as its transport sees it. */
export interface UniConnection {
  /** Runs the client's request. Later calls do nothing. */
  connect(request: ConnectRequest, headers: OpeningHeaders): void;
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
