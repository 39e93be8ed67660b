import type { InvalidateTokensCommand, RefreshCommand, SessionTarget, SubscribeCommand } from "./commands.ts";
import type { ConnectionPage, ConnectionQuery } from "./connection-info.ts";
import type { Disconnect } from "./disconnect.ts";

/** Which channels are meant: all that meet the conditions given. */
export interface ChannelFilter {
  /** A glob over the whole name; undefined for any. */
  readonly pattern?: string | undefined;
  /** What the name begins with; undefined for anything. */
  readonly prefix?: string | undefined;
}

/** What is connected to one node. Users and channels as hashes, since several nodes may have the same ones. */
export interface NodeCounts {
  readonly numClients: number;
  readonly numSubs: number;
  readonly users: Float64Array;
  readonly channels: Float64Array;
}

/** What each node can do for the whole: it acts on its own connections only. */
export interface NodeCalls {
  subscribeSessions(target: SessionTarget, command: SubscribeCommand): Promise<void>;
  unsubscribeSessions(target: SessionTarget, channel: string): Promise<void>;
  refreshSessions(target: SessionTarget, command: RefreshCommand): Promise<void>;
  disconnect(target: SessionTarget, reason: Disconnect, whitelist: readonly string[]): Promise<void>;
  connections(query: ConnectionQuery): Promise<ConnectionPage>;
  /** How many connections match. */
  countSessions(target: SessionTarget): Promise<number>;
  counts(): Promise<NodeCounts>;
  /** Numbers of subscribers of the channels that have any. */
  channels(filter: ChannelFilter): Promise<ReadonlyMap<string, number>>;
  subscriberCount(channel: string): Promise<number>;
  /** Those of the users who are connected. */
  connectedUsers(users: readonly string[]): Promise<readonly string[]>;
  block(user: string, expireAtSec: number | undefined): Promise<void>;
  unblock(user: string): Promise<void>;
  revokeToken(tokenId: string, expireAtSec: number | undefined): Promise<void>;
  invalidateTokens(command: InvalidateTokensCommand): Promise<void>;
}

export type NodeCallName = keyof NodeCalls;
export type NodeCallArgs<Name extends NodeCallName> = Parameters<NodeCalls[Name]>;
export type NodeCallResult<Name extends NodeCallName> = Awaited<ReturnType<NodeCalls[Name]>>;

/**
 * Commands and questions from node to node.
 *
 * What one node asks of another arrives in the order of asking. A node that goes down meanwhile has no answer, which
 * is no error, and one that does not answer in time has none either and is named in the log; errors of the nodes that
 * do answer reject.
 */
export interface Controller {
  /** What other nodes ask is answered by these from now on. Called once, before anything else. */
  start(calls: NodeCalls): Promise<void>;
  /** Uids of the other nodes. */
  others(): readonly string[];
  /** Asks all other nodes at once; resolves to their answers. */
  askOthers<Name extends NodeCallName>(
    name: Name,
    ...args: NodeCallArgs<Name>
  ): Promise<readonly NodeCallResult<Name>[]>;
  /** Asks one other node; undefined where it is gone. */
  askNode<Name extends NodeCallName>(
    uid: string,
    name: Name,
    ...args: NodeCallArgs<Name>
  ): Promise<NodeCallResult<Name> | undefined>;
  /** This node has so many identified sessions now. */
  reportSessions(count: number): void;
  /** How many the other nodes have together, as of a moment ago. */
  sessionsElsewhere(): number;
  close(): Promise<void>;
}

/** The controller of a node that is alone. */
export const LONE_CONTROLLER: Controller = {
  start: () => Promise.resolve(),
  others: () => [],
  askOthers: () => Promise.resolve([]),
  askNode: () => Promise.resolve(undefined),
  reportSessions: () => undefined,
  sessionsElsewhere: () => 0,
  close: () => Promise.resolve(),
};
