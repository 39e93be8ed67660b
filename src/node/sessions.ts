import type {
  ConnectionPage,
  ConnectionQuery,
  RefreshCommand,
  SessionTarget,
  SubscribeCommand,
} from "../core/commands.ts";
import type { Disconnect } from "../core/disconnect.ts";
import type { SharedLimits } from "../core/shared-limits.ts";
import type { Transport } from "../core/transport.ts";
import type { Hub } from "../hub/hub.ts";
import { Session, type SessionContext, type SessionHost, type SessionIdentity } from "../session/session.ts";
import type { BackendCalls } from "./backend-calls.ts";
import type { NodeChannels } from "./channels.ts";
import { type Cluster, sumOf } from "./cluster/cluster.ts";
import { refreshByBackend } from "./connecting/refresh.ts";
import type { ConnectionPages } from "./connection-pages.ts";
import type { UserControl } from "./control/user-control.ts";
import type { SessionCounts } from "./session-counts.ts";
import type { SubscriptionService } from "./subscription-service.ts";

/** What the sessions of a node are made of. */
export interface NodeSessionsOptions {
  readonly hub: Hub<Session>;
  readonly subscriptions: SubscriptionService;
  readonly channels: NodeChannels;
  readonly users: UserControl;
  readonly cluster: Cluster;
  readonly pages: ConnectionPages;
  readonly sharedLimits: SharedLimits;
  readonly counts: SessionCounts;
  readonly backend: BackendCalls;
  readonly context: Omit<SessionContext, "host">;
}

/** Sessions: those of this node, as protocols open them, and those of all nodes, as the API acts on them. */
export class NodeSessions implements SessionHost {
  readonly #options: NodeSessionsOptions;
  readonly #context: SessionContext;
  /** Sessions that have not been identified yet. */
  readonly #connecting = new Set<Session>();
  /** Slots that sessions have taken. */
  readonly #slots = new Map<Session, string>();
  #lastSequence = 0;
  #stopReason: Disconnect | undefined;

  constructor(options: NodeSessionsOptions) {
    this.#options = options;
    this.#context = { ...options.context, host: this };
  }

  /** Identified sessions on all nodes. */
  get count(): number {
    const { hub, sharedLimits } = this.#options;
    return hub.memberCount + sharedLimits.sessionsElsewhere;
  }

  /** Sequence of the session that was admitted last. */
  get lastSequence(): number {
    return this.#lastSequence;
  }

  /** Identified sessions of a user on this node. */
  ofUser(user: string): ReadonlySet<Session> {
    return this.#options.hub.membersOf(user);
  }

  /**
   * A session for a transport whose client is not known yet, with a client id of its protocol's making or a new one.
   * While the node stops, it ends at once.
   */
  open(transport: Transport, id?: string): Session {
    const session = new Session(transport, this.#context, id);
    this.#connecting.add(session);
    const reason = this.#stopReason;
    // Not before the transport has got it.
    if (reason !== undefined) queueMicrotask(() => session.disconnectSilently(reason));
    return session;
  }

  /**
   * The session's client is known: it can be found and subscribed from now on. Ends the session of a user or token
   * that has been locked out in the meantime.
   */
  admit(session: Session, identity: SessionIdentity): void {
    const { hub, sharedLimits, users } = this.#options;
    this.#connecting.delete(session);
    if (session.isClosed) return;
    session.identify(identity);
    this.#lastSequence += 1;
    session.sequence = this.#lastSequence;
    hub.add(session);
    this.#options.counts.admitted(session);
    sharedLimits.reportSessions(hub.memberCount);
    const { name: transport, peerAddress: address } = session.transport;
    const fields = { session: session.id, user: session.user, transport, address };
    this.#context.logger.debug(fields, "client connected");
    users.enforce(session);
  }

  /**
   * The client of an admitted session has signed in: its user is known from now on. Ends the session of a user that
   * is locked out.
   */
  signIn(session: Session, user: string, info: Uint8Array | undefined): void {
    if (session.isClosed) return;
    this.#options.hub.changeUser(session, () => session.becomeUser(user, info));
    this.#options.users.enforce(session);
  }

  /**
   * Takes one of `max` connection slots, on all nodes together, for as long as the session lives; false where all are
   * taken. A session has one slot at most.
   */
  takeSlot(session: Session, slot: string, max: number): boolean | Promise<boolean> {
    if (session.isClosed || this.#slots.has(session)) return !session.isClosed;
    const taken = this.#options.sharedLimits.take(slot, max);
    if (typeof taken !== "boolean") return taken.then((isTaken) => this.#keepSlot(session, slot, isTaken));
    return this.#keepSlot(session, slot, taken);
  }

  /** Subscribes the matching connections. Rejects with ClientError 102, or 100 where one of them cannot be. */
  async subscribe(target: SessionTarget, command: SubscribeCommand): Promise<void> {
    this.#options.channels.knownOptionsOf(command.channel);
    await this.#options.cluster.ask("subscribe", { ...command, target });
  }

  /** Unsubscribes the matching connections; each of them is told, subscribed or not. Rejects with ClientError 102. */
  async unsubscribe(target: SessionTarget, channel: string): Promise<void> {
    if (channel !== "") this.#options.channels.knownOptionsOf(channel);
    await this.#options.cluster.ask("unsubscribe", { target, channel });
  }

  /** Sets when the matching connections expire. */
  async refresh(target: SessionTarget, command: RefreshCommand): Promise<void> {
    await this.#options.cluster.ask("refresh", { ...command, target });
  }

  /** Disconnects the matching connections, but for the client ids in `whitelist`. */
  async disconnect(target: SessionTarget, reason: Disconnect, whitelist: readonly string[]): Promise<void> {
    await this.#options.cluster.ask("disconnect", { target, reason, whitelist });
  }

  /** How many connections match. */
  async countMatching(target: SessionTarget): Promise<number> {
    return sumOf(await this.#options.cluster.ask("countSessions", target));
  }

  /**
   * A page of the connections that meet the query, found without keeping the event loop for long.
   *
   * Rejects with ClientError 107 for a query that cannot be used, and with the signal's reason.
   */
  async list(query: ConnectionQuery, signal: AbortSignal): Promise<ConnectionPage> {
    return this.#options.pages.page(query, signal);
  }

  /** Disconnects everybody on this node, and whoever comes from now on. */
  endAll(reason: Disconnect): void {
    this.#stopReason = reason;
    for (const session of [...this.#options.hub.members()]) session.disconnect(reason);
    for (const session of [...this.#connecting]) session.disconnectSilently(reason);
  }

  onSessionClosed(session: Session, reason: Disconnect): void {
    const { hub, sharedLimits, subscriptions, users, counts, backend } = this.#options;
    this.#connecting.delete(session);
    counts.closed(session, reason);
    backend.sessionClosed(session, reason);
    hub.remove(session);
    sharedLimits.reportSessions(hub.memberCount);
    const slot = this.#slots.get(session);
    if (slot !== undefined) {
      this.#slots.delete(session);
      sharedLimits.give(slot);
    }
    users.seen(session.user);
    for (const subscription of [...session.subscriptions.values()]) subscriptions.end(subscription);
  }

  onSessionExpires(session: Session): boolean {
    return refreshByBackend(session, this.#options.backend, this.#context);
  }

  onSessionTick(session: Session): void {
    this.#options.users.seen(session.user);
    void this.#options.subscriptions.keep(session);
  }
  #keepSlot(session: Session, slot: string, isTaken: boolean): boolean {
    if (!isTaken) return false;
    if (session.isClosed) this.#options.sharedLimits.give(slot);
    else this.#slots.set(session, slot);
    return true;
  }
}
