import type { StreamPosition } from "./publication.ts";

/** What a client asks of one channel in its connect request. Offset and epoch are the position it has seen. */
export interface SubscriptionRequest {
  readonly recover: boolean;
  readonly offset: number;
  readonly epoch: string;
  /** The client can apply Fossil differences. */
  readonly delta: boolean;
}

/** Message by which a client connects. */
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

/** Headers of the request that opened a connection, to be read while the client connects. Names are in lower case. */
export interface OpeningHeaders {
  /** Whether they are headers of an HTTP request, or metadata of a gRPC call. */
  readonly kind: "http" | "grpc";
  /** Each name once. */
  names(): Iterable<string>;
  /** The values of a header, in order; none where it is missing. Of metadata, they may have been joined by commas. */
  valuesOf(name: string): readonly string[];
}
