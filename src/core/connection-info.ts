import type { LabelFilter, Labels } from "./label-filter.ts";
import type { SubscriptionSource } from "./subscription-source.ts";

/** What the Connections API tells about one connection (docs/protocols/server-api.md §3.2). */
export interface ConnectionInfo {
  /** Client id. */
  readonly client: string;
  /** "" for an anonymous user. */
  readonly user: string;
  /** Name and version of the client's application; "" when unknown. */
  readonly appName: string;
  readonly appVersion: string;
  readonly transport: string;
  readonly protocol: string;
  /** How the connection came to its channels. */
  readonly channels: ReadonlyMap<string, SubscriptionSource>;
  /** `jti` of its token; "" when there is none. */
  readonly tokenId: string;
  /** `iat` of its token, Unix seconds; 0 when there is none. */
  readonly issuedAtSec: number;
  /** Raw JSON that only the server sees. */
  readonly meta: Uint8Array | undefined;
  readonly labels: Labels;
  /** Unix milliseconds. */
  readonly connectedAtMs: number;
  /** Milliseconds from the last ping to its answer; -1 when unknown. */
  readonly latencyMs: number;
}

/** Which connections to list: those that meet all of the conditions given. */
export interface ConnectionQuery {
  /** "" for any. */
  readonly user: string;
  /** CEL over the connection; "" for none. */
  readonly expression: string;
  readonly labelFilter: LabelFilter | undefined;
  /** Most connections of one page; 0 for all of them at once. */
  readonly limit: number;
  /** Where an earlier page ended; "" for the first one. */
  readonly cursor: string;
}

/** Connections in the order in which they were made. */
export interface ConnectionPage {
  readonly connections: readonly ConnectionInfo[];
  /** Continues after this page; "" when it is the last one. */
  readonly nextCursor: string;
}
