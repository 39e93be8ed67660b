import type { LabelFilter, Labels } from "./label-filter.ts";
import type { StreamPosition } from "./publication.ts";
import type { SubscriptionGrant, SubscriptionSource } from "./token-verifier.ts";

/** Which channels are meant: all that meet the conditions given. */
export interface ChannelFilter {
  /** A glob over the whole name; undefined for any. */
  readonly pattern?: string | undefined;
  /** What the name begins with; undefined for anything. */
  readonly prefix?: string | undefined;
}

/** Which connections a command is about: all of a user that match what else is given. */
export interface SessionTarget {
  /** "" means the anonymous connections, or with `allUsers` everybody. */
  readonly user: string;
  readonly allUsers?: boolean;
  /** Those with matching labels only. */
  readonly labelFilter?: LabelFilter | undefined;
  /** Client id; "" for any. */
  readonly client: string;
  /** Session id; "" for any. */
  readonly session: string;
}

/** A subscription that the backend makes. */
export interface SubscribeCommand {
  readonly channel: string;
  readonly grant: SubscriptionGrant;
  /** Sends what was published since, where the channel can recover. */
  readonly since: StreamPosition | undefined;
}

/** A new term for connections. */
export interface RefreshCommand {
  /** Ends them now. */
  readonly expired: boolean;
  /** When they end, Unix seconds; undefined for never. In the past it ends them now. */
  readonly expireAtSec: number | undefined;
  /** Raw JSON that other clients may see, instead of what was known; undefined leaves it. */
  readonly info: Uint8Array | undefined;
}

/** How a publication is to be made, beside what its channel says. */
export interface PublishRequest {
  /** A second publish to the channel with the same key is not delivered, for five minutes; "" for none. */
  readonly idempotencyKey: string;
  /** Delivers without keeping, whatever the channel's history. */
  readonly skipHistory?: boolean;
  /** Offers subscribers the difference to the publication before. */
  readonly delta?: boolean;
  /** Name of what the publication's version counts in; versions of different epochs do not compare. */
  readonly versionEpoch?: string;
  /** Client id of a subscriber that is not to get it; "" for none. */
  readonly excludeClient?: string;
}

/** One node of the cluster. */
export interface NodeInfo {
  readonly uid: string;
  readonly name: string;
  readonly version: string;
  readonly numClients: number;
  readonly numUsers: number;
  readonly numChannels: number;
  readonly numSubs: number;
  /** Seconds since the node started. */
  readonly uptimeSec: number;
}

/** Tokens of a user that are to be void. */
export interface InvalidateTokensCommand {
  readonly user: string;
  /** Subscription tokens of this channel; "" for the user's connection tokens. */
  readonly channel: string;
  /** Unix seconds: those with an earlier `iat`; undefined for now. */
  readonly issuedBeforeSec: number | undefined;
  /** When that is forgotten, Unix seconds; undefined for the configured time. */
  readonly expireAtSec: number | undefined;
}

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
