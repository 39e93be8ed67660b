import type { ConnectionInfo, ConnectionPage, ConnectionQuery } from "../core/commands.ts";
import type { Cluster } from "./cluster/cluster.ts";
import { cursorAt, foreignCursor, nodeOfCursor } from "./connection-scan.ts";

/** What the pages are made of. */
export interface ConnectionPagesOptions {
  readonly nodeUid: string;
  /** What the uids of all processes of this machine begin with. */
  readonly machine: string;
  readonly cluster: Cluster;
}

/** Pages through the connections of all nodes: one node after the other, in the order of their uids. */
export class ConnectionPages {
  readonly #options: ConnectionPagesOptions;

  constructor(options: ConnectionPagesOptions) {
    this.#options = options;
  }

  /**
   * A page of the connections that meet the query; a lone node's are in the order in which they were made.
   *
   * Rejects with ClientError 107 for a query that cannot be used, and with the signal's reason.
   */
  async page(query: ConnectionQuery, signal: AbortSignal): Promise<ConnectionPage> {
    const { nodeUid, cluster } = this.#options;
    const { others } = cluster;
    if (others.length === 0) return this.#ask(nodeUid, query, signal);
    const from = query.cursor === "" ? "" : this.#nodeOf(query.cursor);
    const uids = [nodeUid, ...others].filter((uid) => uid >= from).toSorted();
    const found: ConnectionInfo[] = [];
    // The node of the cursor may be gone, with all of its connections.
    let cursor = uids[0] === from ? query.cursor : "";
    for (const uid of uids) {
      const isFull = query.limit > 0 && found.length >= query.limit;
      // Where the page is full, one more shows that there is another page.
      const limit = isFull ? 1 : Math.max(0, query.limit - found.length);
      const page = await this.#ask(uid, { ...query, cursor, limit }, signal);
      signal.throwIfAborted();
      const hasMore = page.connections.length > 0 || page.nextCursor !== "";
      if (isFull && hasMore) return { connections: found, nextCursor: cursorAt(uid, 0) };
      found.push(...page.connections);
      if (page.nextCursor !== "") return { connections: found, nextCursor: page.nextCursor };
      cursor = "";
    }
    return { connections: found, nextCursor: "" };
  }

  /** A node of this machine, or another one that is there. */
  #nodeOf(cursor: string): string {
    const { machine, cluster } = this.#options;
    const uid = nodeOfCursor(cursor);
    if (uid === undefined || !(uid.startsWith(machine) || cluster.others.includes(uid)))
      throw foreignCursor();
    return uid;
  }

  async #ask(uid: string, query: ConnectionQuery, signal: AbortSignal): Promise<ConnectionPage> {
    return (await this.#options.cluster.askNode(uid, "connections", query, signal)) ?? NOBODY;
  }
}

const NOBODY: ConnectionPage = { connections: [], nextCursor: "" };
