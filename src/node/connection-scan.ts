import { badRequest, type ClientError } from "../core/client-error.ts";
import type { ConnectionInfo, ConnectionPage, ConnectionQuery } from "../core/commands.ts";
import type { SubscriptionSource } from "../core/token-verifier.ts";
import type { SlicedWork } from "../lib/sliced-work.ts";
import type { Session } from "../session/session.ts";
import type { ConnectionExpressions, ConnectionPredicate } from "./connection-expressions.ts";

/** What the scan works with. */
export interface ConnectionScanOptions {
  /** Stands in cursors, which are good on one node only. */
  readonly nodeUid: string;
  /** All sessions in the order of their sequence; tolerates changes while it is iterated. */
  readonly sessions: () => Iterable<Session>;
  readonly sessionsOf: (user: string) => Iterable<Session>;
  /** Sequence of the session that came last. */
  readonly lastSequence: () => number;
  readonly expressions: ConnectionExpressions;
  readonly slices: SlicedWork;
}

/** The node that a cursor is of; undefined for a text that is no cursor. */
export function nodeOfCursor(cursor: string): string | undefined {
  const [uid, sequence = "", ...rest] = cursor.split(".");
  return /^\d{1,15}$/.test(sequence) && rest.length === 0 ? uid : undefined;
}

/** The error for a cursor that no node knows. */
export function foreignCursor(): ClientError {
  return badRequest("cursor", "none of this server's");
}

/** The cursor that begins at a node. */
export function cursorAt(nodeUid: string, sequence: number): string {
  return `${nodeUid}.${sequence}`;
}

/** Lists the connections of this node (docs/protocols/server-api.md §3). */
export class ConnectionScan {
  readonly #options: ConnectionScanOptions;

  constructor(options: ConnectionScanOptions) {
    this.#options = options;
  }

  /**
   * A page of the connections that meet the query. Sessions that come while it is made are not in it, and those
   * that leave are not either; following the cursors lists every session once that is there all the time.
   *
   * Rejects with ClientError 107 for a query that cannot be used, and with the signal's reason.
   */
  async page(query: ConnectionQuery, signal?: AbortSignal): Promise<ConnectionPage> {
    const { sessions, sessionsOf, lastSequence, slices } = this.#options;
    const after = this.#positionOf(query.cursor);
    const matches = await this.#predicateOf(query);
    const newest = lastSequence();
    const found: Session[] = [];
    const infos: ConnectionInfo[] = [];
    let hasMore = false;
    const visit = (session: Session): boolean => {
      if (session.sequence > newest) return false;
      if (session.sequence <= after || !matches(session)) return true;
      hasMore = query.limit > 0 && found.length === query.limit;
      if (hasMore) return false;
      found.push(session);
      infos.push(describeSession(session));
      return true;
    };
    await slices.visit(query.user === "" ? sessions() : sessionsOf(query.user), visit, signal);
    const last = found.at(-1);
    return {
      connections: infos.filter((_, at) => found[at]?.isClosed === false),
      nextCursor: hasMore && last !== undefined ? cursorAt(this.#options.nodeUid, last.sequence) : "",
    };
  }

  async #predicateOf({ expression, labelFilter }: ConnectionQuery): Promise<ConnectionPredicate> {
    const holds = expression === "" ? undefined : await this.#options.expressions.compile(expression);
    return (session) =>
      (labelFilter === undefined || labelFilter.matches(session.identity.labels)) &&
      (holds === undefined || holds(session));
  }

  /** The sequence that a page goes on after. */
  #positionOf(cursor: string): number {
    if (cursor === "") return 0;
    if (nodeOfCursor(cursor) !== this.#options.nodeUid) throw foreignCursor();
    return Number(cursor.split(".")[1]);
  }
}

/** The channels that the client has been told of, and how it came to them. */
export function channelsOf(session: Session): Map<string, SubscriptionSource> {
  const channels = new Map<string, SubscriptionSource>();
  for (const [channel, { isActive, source }] of session.subscriptions) {
    if (isActive) channels.set(channel, source);
  }
  return channels;
}

/** A session as the Connections API shows it. */
export function describeSession(session: Session): ConnectionInfo {
  const { id: client, transport, connectedAtMs } = session;
  const { user, appName, appVersion, tokenId, issuedAtSec, meta, labels } = session.identity;
  return {
    client,
    user,
    appName,
    appVersion,
    transport: transport.name,
    protocol: transport.protocol,
    channels: channelsOf(session),
    tokenId,
    issuedAtSec,
    meta,
    labels,
    connectedAtMs,
    latencyMs: transport.latencyMs ?? -1,
  };
}
