import {
  BlockArgumentSchema,
  ChannelsAnswerSchema,
  ChannelsArgumentSchema,
  ConnectionsArgumentSchema,
  CountAnswerSchema,
  CountsAnswerSchema,
  CountsArgumentSchema,
  DisconnectArgumentSchema,
  DoneSchema,
  InvalidateTokensArgumentSchema,
  RefreshArgumentSchema,
  RevokeTokenArgumentSchema,
  SessionCountArgumentSchema,
  SubscribeArgumentSchema,
  SubscriberCountArgumentSchema,
  UnblockArgumentSchema,
  UnsubscribeArgumentSchema,
  UserListSchema,
} from "../../../gen/millrace/cluster/v1/cluster_pb.ts";
import type {
  ChannelFilter,
  ConnectionPage,
  ConnectionQuery,
  InvalidateTokensCommand,
  RefreshCommand,
  SessionTarget,
  SubscribeCommand,
} from "../../core/commands.ts";
import { Disconnect } from "../../core/disconnect.ts";
import { positionFrom } from "../../core/publication.ts";
import {
  codecOf,
  connectionPageCodec,
  doublesFromBytes,
  doublesToBytes,
  filterFromMessage,
  filterToField,
  overrideFromMessage,
  targetFromMessage,
  targetToMessage,
  type WireCodec,
} from "./call-codecs.ts";

/** What is connected to one node. Users and channels as hashes, since several nodes may have the same ones. */
export interface NodeCounts {
  readonly numClients: number;
  readonly numSubs: number;
  readonly users: Float64Array;
  readonly channels: Float64Array;
}

/** A user or token that is locked out until then, Unix seconds; undefined for the configured time. */
export interface Lockout {
  readonly id: string;
  readonly expireAtSec: number | undefined;
}

/** A call from node to node: how its argument and its answer travel. */
export interface NodeCall<Argument, Answer> {
  readonly argument: WireCodec<Argument>;
  readonly answer: WireCodec<Answer>;
}

/** Targets and what is to happen to them. */
type Targeted<Command> = Command & { readonly target: SessionTarget };

/** All that a node may ask of others: each acts on its own connections only. */
export interface NodeCallSignatures {
  /** Rejects with ClientError 102, or 100 where one of the connections cannot be subscribed. */
  subscribe(argument: Targeted<SubscribeCommand>): void;
  unsubscribe(argument: Targeted<{ readonly channel: string }>): void;
  refresh(argument: Targeted<RefreshCommand>): void;
  disconnect(
    argument: Targeted<{ readonly reason: Disconnect; readonly whitelist: readonly string[] }>,
  ): void;
  connections(argument: ConnectionQuery): ConnectionPage;
  counts(argument: void): NodeCounts;
  /** Numbers of subscribers of the channels that have any. */
  channels(argument: ChannelFilter): ReadonlyMap<string, number>;
  subscriberCount(argument: string): number;
  /** How many connections match. */
  countSessions(argument: SessionTarget): number;
  /** Those of the users who are connected. */
  connectedUsers(argument: readonly string[]): readonly string[];
  block(argument: Lockout): void;
  unblock(argument: string): void;
  revokeToken(argument: Lockout): void;
  invalidateTokens(argument: InvalidateTokensCommand): void;
}

export type NodeCallName = keyof NodeCallSignatures;
export type NodeCallArgument<Name extends NodeCallName> = Parameters<NodeCallSignatures[Name]>[0];
export type NodeCallAnswer<Name extends NodeCallName> = ReturnType<NodeCallSignatures[Name]>;

/** How each call travels. */
export type NodeCallTable = {
  readonly [Name in NodeCallName]: NodeCall<NodeCallArgument<Name>, NodeCallAnswer<Name>>;
};

const DONE: WireCodec<void> = codecOf(
  DoneSchema,
  () => ({}),
  () => undefined,
);

const COUNT: WireCodec<number> = codecOf(
  CountAnswerSchema,
  (count) => ({ count }),
  ({ count }) => count,
);

const USERS: WireCodec<readonly string[]> = codecOf(
  UserListSchema,
  (users) => ({ users: [...users] }),
  ({ users }) => users,
);

/** How each call travels. */
export const NODE_CALLS: NodeCallTable = {
  subscribe: {
    argument: codecOf(
      SubscribeArgumentSchema,
      ({ target, channel, grant, since }) => ({
        target: targetToMessage(target),
        channel,
        ...given({ info: grant.info, data: grant.data, expireAt: grant.expireAtSec }),
        override: grant.override,
        ...(since === undefined ? {} : { since: { offset: BigInt(since.offset), epoch: since.epoch } }),
      }),
      ({ target, channel, info, data, override, expireAt, since }) => ({
        target: targetFromMessage(target),
        channel,
        grant: { info, data, override: overrideFromMessage(override), expireAtSec: expireAt },
        since: since && positionFrom(since.offset, since.epoch),
      }),
    ),
    answer: DONE,
  },
  unsubscribe: {
    argument: codecOf(
      UnsubscribeArgumentSchema,
      ({ target, channel }) => ({ target: targetToMessage(target), channel }),
      ({ target, channel }) => ({ target: targetFromMessage(target), channel }),
    ),
    answer: DONE,
  },
  refresh: {
    argument: codecOf(
      RefreshArgumentSchema,
      ({ target, expired, expireAtSec, info }) => ({
        target: targetToMessage(target),
        expired,
        ...given({ expireAt: expireAtSec, info }),
      }),
      ({ target, expired, expireAt, info }) => ({
        target: targetFromMessage(target),
        expired,
        expireAtSec: expireAt,
        info,
      }),
    ),
    answer: DONE,
  },
  disconnect: {
    argument: codecOf(
      DisconnectArgumentSchema,
      ({ target, reason: { code, reason }, whitelist }) => ({
        target: targetToMessage(target),
        reason: { code, reason },
        whitelist: [...whitelist],
      }),
      ({ target, reason, whitelist }) => ({
        target: targetFromMessage(target),
        reason: new Disconnect(reason?.code ?? 0, reason?.reason ?? ""),
        whitelist,
      }),
    ),
    answer: DONE,
  },
  connections: {
    argument: codecOf(
      ConnectionsArgumentSchema,
      ({ labelFilter, ...query }) => ({ ...query, ...filterToField(labelFilter) }),
      ({ user, expression, labelFilter, limit, cursor }) => ({
        user,
        expression,
        labelFilter: filterFromMessage(labelFilter),
        limit,
        cursor,
      }),
    ),
    answer: connectionPageCodec,
  },
  counts: {
    argument: codecOf(
      CountsArgumentSchema,
      () => ({}),
      () => undefined,
    ),
    answer: codecOf(
      CountsAnswerSchema,
      ({ numClients, numSubs, users, channels }) => ({
        clients: numClients,
        subscriptions: numSubs,
        users: doublesToBytes(users),
        channels: doublesToBytes(channels),
      }),
      ({ clients, subscriptions, users, channels }) => ({
        numClients: clients,
        numSubs: subscriptions,
        users: doublesFromBytes(users),
        channels: doublesFromBytes(channels),
      }),
    ),
  },
  channels: {
    argument: codecOf(ChannelsArgumentSchema, given, ({ pattern, prefix }) => ({ pattern, prefix })),
    answer: codecOf(
      ChannelsAnswerSchema,
      (found) => ({ channels: [...found].map(([channel, subscribers]) => ({ channel, subscribers })) }),
      (message) => new Map(message.channels.map(({ channel, subscribers }) => [channel, subscribers])),
    ),
  },
  subscriberCount: {
    argument: codecOf(
      SubscriberCountArgumentSchema,
      (channel) => ({ channel }),
      ({ channel }) => channel,
    ),
    answer: COUNT,
  },
  countSessions: {
    argument: codecOf(
      SessionCountArgumentSchema,
      (target) => ({ target: targetToMessage(target) }),
      ({ target }) => targetFromMessage(target),
    ),
    answer: COUNT,
  },
  connectedUsers: { argument: USERS, answer: USERS },
  block: {
    argument: codecOf(
      BlockArgumentSchema,
      ({ id, expireAtSec }) => ({ user: id, ...given({ expireAt: expireAtSec }) }),
      ({ user, expireAt }) => ({ id: user, expireAtSec: expireAt }),
    ),
    answer: DONE,
  },
  unblock: {
    argument: codecOf(
      UnblockArgumentSchema,
      (user) => ({ user }),
      ({ user }) => user,
    ),
    answer: DONE,
  },
  revokeToken: {
    argument: codecOf(
      RevokeTokenArgumentSchema,
      ({ id, expireAtSec }) => ({ tokenId: id, ...given({ expireAt: expireAtSec }) }),
      ({ tokenId, expireAt }) => ({ id: tokenId, expireAtSec: expireAt }),
    ),
    answer: DONE,
  },
  invalidateTokens: {
    argument: codecOf(
      InvalidateTokensArgumentSchema,
      ({ user, channel, issuedBeforeSec, expireAtSec }) => ({
        user,
        channel,
        ...given({ issuedBefore: issuedBeforeSec, expireAt: expireAtSec }),
      }),
      ({ user, channel, issuedBefore, expireAt }) => ({
        user,
        channel,
        issuedBeforeSec: issuedBefore,
        expireAtSec: expireAt,
      }),
    ),
    answer: DONE,
  },
};

/** What answers the calls on one node. */
export type NodeCalls = {
  readonly [Name in NodeCallName]: (
    argument: NodeCallArgument<Name>,
    signal?: AbortSignal,
  ) => Promise<NodeCallAnswer<Name>>;
};

/** The fields that are not undefined. */
function given<Fields extends object>(
  fields: Fields,
): { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  // What is left has the types that it had, without undefined.
  return Object.fromEntries(entries) as { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> };
}
