import type { Labels } from "./label-filter.ts";
import type { ClientIdentity, SubscriptionGrant } from "./token-verifier.ts";

/**
 * Port to whoever has an opinion of what clients do: hooks in code, an HTTP or gRPC proxy, nobody.
 *
 * Each question has a method that says whom to ask it, looked up when the question comes up; undefined where nobody has
 * an opinion, and then nothing is made for it: no request, no promise. Without an opinion, the configuration decides.
 */
export interface Backend {
  /** Headers of clients that are to go along with questions, in lower case; what is not named is not kept. */
  readonly headers: ReadonlySet<string> | "all";
  /** Who is a client that brings no token? */
  connect(): Question<ConnectQuestion, ConnectAnswer | undefined> | undefined;
  /** May a connection go on that has expired? */
  refresh(): Question<RefreshQuestion, RefreshAnswer> | undefined;
  /** May a client listen to the channel, for which it brings no token? */
  subscribe(channel: string): Question<SubscribeQuestion, SubscriptionGrant | undefined> | undefined;
  /** May a subscription to the channel go on that has expired? */
  subRefresh(channel: string): Question<SubRefreshQuestion, SubRefreshAnswer> | undefined;
  /** May a client publish to the channel? */
  publish(channel: string): Question<PublishQuestion, PublishAnswer | undefined> | undefined;
  /** What does a method answer that a client calls? */
  rpc(method: string): Question<RpcQuestion, RpcAnswer> | undefined;
}

/**
 * Asks one question. Rejects with ClientError or Disconnect where the answer is no, which the client is told; with
 * anything else where there is no answer, which is the server's own fault.
 *
 * Settles in bounded time: the limit is the backend's. The signal is aborted when the client leaves; whatever comes then
 * does not matter.
 */
export type Question<Request, Answer> = (request: Request, signal: AbortSignal) => Promise<Answer>;

/** Headers of a client that the backend wants to see, as they were when it connected. Names in lower case. */
export interface ClientHeaders {
  /** Whether `received` were headers of an HTTP request, or metadata of a gRPC call. */
  readonly kind: "http" | "grpc";
  /** Those of the request that opened the connection, each with all its values. */
  readonly received: ReadonlyMap<string, readonly string[]>;
  /** Those that stand in the connect request, in place of such as the client cannot set. Not vouched for by anybody. */
  readonly emulated: ReadonlyMap<string, string>;
}

/** Client that a question is about. */
export interface AskingClient {
  /** Client id. */
  readonly client: string;
  /** Name of its transport, such as "uni_sse". */
  readonly transport: string;
  /** Encoding of what it speaks: a client of protobuf may send any bytes as data, one of JSON only JSON. */
  readonly protocol: "json" | "protobuf";
  /** Network address of the client, or of the last proxy in front; "" where it is not known. */
  readonly address: string;
  readonly headers: ClientHeaders;
}

/** Client that is connected. */
export interface ConnectedClient extends AskingClient {
  /** "" for an anonymous user. */
  readonly user: string;
  /** Raw JSON that only the server sees; undefined for none. */
  readonly meta: Uint8Array | undefined;
  readonly labels: Labels;
}

/** Client that wants to connect. */
export interface ConnectQuestion extends AskingClient {
  /** What it has to say, in whatever its encoding carries; undefined for nothing. */
  readonly data: Uint8Array | undefined;
  /** Name and version of the client's application; "" when not sent. */
  readonly name: string;
  readonly version: string;
  /** Channels that it would like to listen to. They are not granted by themselves. */
  readonly channels: readonly string[];
}

/** Who a client is. */
export interface ConnectAnswer extends ClientIdentity {
  /** For the client, in whatever its encoding carries; undefined for nothing. */
  readonly data: Uint8Array | undefined;
  /** Channels that it is subscribed to. */
  readonly subscriptions: ReadonlyMap<string, SubscriptionGrant>;
}

/** Connection that has expired. */
export type RefreshQuestion = ConnectedClient;

/** Whether a connection may go on. */
export type RefreshAnswer =
  | { readonly type: "expired" }
  | {
      readonly type: "extended";
      /** When it expires next, Unix seconds: in the future, or else it has expired. */
      readonly expireAtSec: number;
      /** Raw JSON that other clients may see, and that only the server sees; undefined leaves what there is. */
      readonly info: Uint8Array | undefined;
      readonly meta: Uint8Array | undefined;
    };

/** Client that wants to listen to a channel. The answer is how. */
export interface SubscribeQuestion extends ConnectedClient {
  readonly channel: string;
  /** Subscription token that the client has sent all the same; "" for none. */
  readonly token: string;
  /** What it has to say, in whatever its encoding carries; undefined for nothing. */
  readonly data: Uint8Array | undefined;
}

/** Subscription that has expired. */
export interface SubRefreshQuestion extends ConnectedClient {
  readonly channel: string;
}

/** Whether a subscription may go on. */
export type SubRefreshAnswer =
  | { readonly type: "expired" }
  | {
      readonly type: "extended";
      /** When it expires next, Unix seconds; undefined for never. */
      readonly expireAtSec: number | undefined;
      /** Raw JSON for ClientInfo.chanInfo; undefined leaves what there is. */
      readonly info: Uint8Array | undefined;
    };

/** Client that wants to publish. */
export interface PublishQuestion extends ConnectedClient {
  readonly channel: string;
  readonly data: Uint8Array;
}

/** Publication as it is to be made. */
export interface PublishAnswer {
  /** In place of what the client sent; undefined for just that. */
  readonly data: Uint8Array | undefined;
  readonly tags: Readonly<Record<string, string>> | undefined;
  /** Delivers without keeping, whatever the channel's history. */
  readonly skipHistory: boolean;
  /** A second publication to the channel with the same key is not delivered; "" for none. */
  readonly idempotencyKey: string;
  /** Offers subscribers the difference to the publication before. */
  readonly delta: boolean;
  /** Publisher's own count of the channel's states, 64 bits; 0 for none. */
  readonly version: bigint;
  /** Name of what the version counts in; versions of different epochs do not compare. */
  readonly versionEpoch: string;
}

/** Client that calls a method. */
export interface RpcQuestion extends ConnectedClient {
  readonly method: string;
  readonly data: Uint8Array;
}

/** What a method has returned. */
export interface RpcAnswer {
  readonly data: Uint8Array;
}

/** Backend of a server that has none. */
export const NO_OPINION: Backend = {
  headers: new Set(),
  connect: () => undefined,
  refresh: () => undefined,
  subscribe: () => undefined,
  subRefresh: () => undefined,
  publish: () => undefined,
  rpc: () => undefined,
};
