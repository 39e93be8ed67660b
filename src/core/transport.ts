import type { ClientError } from "./client-error.ts";
import type { Disconnect } from "./disconnect.ts";
import type { StreamPosition } from "./publication.ts";
import type { DeltaFormats, WireFormat } from "./wire-format.ts";

/** Event ids of a transport whose clients bring the last one along when they come back. */
export interface EventIds {
  /** The id's bytes, which go right in front of a push after which the client stands at these positions, by channel. */
  eventIdOf(positions: ReadonlyMap<string, StreamPosition>): Uint8Array;
}

/**
 * How bytes reach one session. Implemented by the edge folders, driven by the session.
 *
 * Whoever ends the connection, and however: the transport tells the conversation over it, once, that its client is gone.
 * From the end on nothing is written and nothing throws.
 */
export interface Transport {
  /** Name as proxies and the Connections API see it, such as "uni_websocket". */
  readonly name: string;
  /** Encoding label as proxies and the Connections API see it. */
  readonly protocol: "json" | "protobuf";
  /** Network address of the client, or of the last proxy in front; "" where it is not known, or no longer. */
  readonly peerAddress: string;
  /** Codec and framing of everything written. */
  readonly format: WireFormat;
  /** How publications go out as differences; undefined where they cannot. */
  readonly deltaFormats: DeltaFormats | undefined;
  /** How the client is told where it stands, if it resumes by itself; undefined where it does not. */
  readonly eventIds: EventIds | undefined;
  /** Milliseconds between application pings; 0 or less for none. */
  readonly pingIntervalMs: number;
  /** Milliseconds from the last ping to its answer; -1 or nothing where it is not known. */
  readonly latencyMs?: number;
  /** False where the transport is configured to end without a `disconnect` push. */
  readonly sendsDisconnectPush: boolean;
  /** Bytes accepted by `write` that the operating system has not taken yet. */
  readonly bufferedBytes: number;
  /** Queues framed bytes behind all earlier ones. Never throws; after the end it does nothing. */
  write(bytes: Uint8Array): void;
  /**
   * Answers a failed connect in the transport's own way (an HTTP status), which ends the connection. Returns false, and
   * does nothing, where the failure goes to the client as a push: where it has no such way, or has written something.
   */
  refuse(failure: ClientError | Disconnect): boolean;
  /**
   * Ends the connection once everything written has gone out, or the client has taken nothing of it for some seconds.
   * Idempotent.
   */
  close(disconnect: Disconnect): void;
  /** Ends the connection at once and frees what is queued. Idempotent. */
  abort(disconnect: Disconnect): void;
}
