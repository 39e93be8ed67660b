import type { Ambient } from "../core/ambient.ts";
import type { ClientError } from "../core/client-error.ts";
import { type Disconnect, disconnect } from "../core/disconnect.ts";
import { type Labels, NO_LABELS } from "../core/label-filter.ts";
import type { StreamPosition } from "../core/publication.ts";
import { EncodedPush, type PushBatch } from "../core/push.ts";
import type { CredentialSource } from "../core/token-verifier.ts";
import type { Transport } from "../core/transport.ts";
import { NOTHING, type WireFormat } from "../core/wire-format.ts";
import { createUuid } from "../lib/flat-uuid.ts";
import { WheelTimer } from "../lib/timer-wheel.ts";
import { type FlushList, Outbox } from "./outbox.ts";
import { SubscriptionMap } from "./subscription-map.ts";

/** Who the client of a session turned out to be. */
export interface SessionIdentity {
  /** "" for an anonymous user. */
  readonly user: string;
  /** When the connection expires, Unix seconds; undefined for never. */
  readonly expireAtSec: number | undefined;
  /** Raw JSON that other clients may see. */
  readonly info: Uint8Array | undefined;
  /** Raw JSON that only the server sees. */
  readonly meta: Uint8Array | undefined;
  /** What the server API can tell connections apart by. */
  readonly labels: Labels;
  /** `jti` of the connection's token; "" when there is none. */
  readonly tokenId: string;
  /** Its `iat`, Unix seconds; 0 when there is none. */
  readonly issuedAtSec: number;
  /** Name and version of the client's application; "" when unknown. */
  readonly appName: string;
  readonly appVersion: string;
  readonly source: CredentialSource;
}

/** What a session tells the node. */
export interface SessionHost {
  /** It has ended. Called once for each. */
  onSessionClosed(session: Session, reason: Disconnect): void;
  /**
   * It has expired. True where the host sees to it that it goes on (`refresh`) or ends; else it ends by itself, after
   * the grace.
   */
  onSessionExpires(session: Session): boolean;
  /** It is time to look after its subscriptions. */
  onSessionTick(session: Session): void;
}

/** Limits and delays that all sessions share. Milliseconds; 0 or less switches one off. */
export interface SessionLimits {
  readonly outboxMaxBytes: number;
  readonly staleCloseDelayMs: number;
  readonly expiredCloseDelayMs: number;
  /** How often the node looks after the session's subscriptions. */
  readonly tickIntervalMs: number;
}

/** What sessions need from the server; one object for all of them. */
export interface SessionContext extends Pick<Ambient, "clock" | "wheel" | "random" | "logger"> {
  readonly host: SessionHost;
  readonly flushList: FlushList;
  readonly limits: SessionLimits;
}

const PING = new EncodedPush({ type: "ping" });
/** Identity of somebody of whom nothing is known. */
export const ANONYMOUS_IDENTITY: SessionIdentity = {
  user: "",
  expireAtSec: undefined,
  info: undefined,
  meta: undefined,
  labels: NO_LABELS,
  tokenId: "",
  issuedAtSec: 0,
  appName: "",
  appVersion: "",
  source: "anonymous",
};

/**
 * The server's side of one connection.
 *
 * Life: `silent` (nothing has come from the client; ends as stale by itself) → `connecting` (the server finds out who
 * it is; ends by itself when that takes too long) → `open` (identified, pinged, expires) → `closed`. It is its own timer,
 * so that a connection costs one object on the shared wheel.
 */
export class Session extends WheelTimer {
  // What every push needs stands first, and so together in memory.
  readonly #outbox: Outbox;
  readonly #format: WireFormat;
  #state: "silent" | "connecting" | "open" | "closed" = "silent";
  /** Client id: public, new for each connection. */
  readonly id: string;
  /** Session id: known to this client and the server API only. */
  readonly secretId: string = createUuid();
  readonly transport: Transport;
  /** Unix milliseconds. */
  readonly connectedAtMs: number;
  /** Place in the order in which the node admitted its sessions; 0 before that. */
  sequence = 0;
  /** Server-side subscriptions by channel. */
  readonly subscriptions: SubscriptionMap = new SubscriptionMap();
  readonly #context: SessionContext;
  #identity: SessionIdentity = ANONYMOUS_IDENTITY;
  /** The client has its connect push. */
  #hasStarted = false;
  #onStart: (() => void)[] | undefined;
  /** Monotonic times; infinite while not wanted. */
  #staleAtMs: number;
  #pingAtMs = Number.POSITIVE_INFINITY;
  #expireAtMs = Number.POSITIVE_INFINITY;
  /** The host knows that it has expired; the time is that of its end. */
  #hasExpired = false;
  #tickAtMs = Number.POSITIVE_INFINITY;

  constructor(transport: Transport, context: SessionContext, id: string = createUuid()) {
    super();
    this.#outbox = new Outbox(transport, context.flushList, context.limits.outboxMaxBytes);
    this.#format = transport.format;
    this.id = id;
    this.transport = transport;
    this.connectedAtMs = context.clock.wallMs();
    this.#context = context;
    const staleMs = context.limits.staleCloseDelayMs;
    this.#staleAtMs = staleMs > 0 ? context.clock.monotonicMs() + staleMs : Number.POSITIVE_INFINITY;
    this.#schedule();
  }

  get identity(): SessionIdentity {
    return this.#identity;
  }

  get user(): string {
    return this.#identity.user;
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  get isClosed(): boolean {
    return this.#state === "closed";
  }

  /** The client has asked to be connected: from now on it is the server that is waited for. */
  requested(): void {
    if (this.#state === "silent") this.#state = "connecting";
  }

  /** The client has been identified: the session expires when its credentials do. */
  identify(identity: SessionIdentity): void {
    if (this.#state !== "silent" && this.#state !== "connecting") return;
    this.#state = "open";
    this.#identity = identity;
    this.#expireAtMs = this.#timeOf(identity.expireAtSec);
    this.#schedule();
  }

  /**
   * The client has its connect push: what has waited for that happens, and pings and ticks start. The first of each
   * comes after a random half to whole interval so that they spread.
   */
  startKeeping(): void {
    if (this.#state !== "open") return;
    this.#hasStarted = true;
    this.#staleAtMs = Number.POSITIVE_INFINITY;
    this.#pingAtMs = this.#firstAfter(this.transport.pingIntervalMs);
    this.#tickAtMs = this.#firstAfter(this.#context.limits.tickIntervalMs);
    this.#schedule();
    this.#runStartActions();
  }

  /**
   * Runs what must not overtake the connect push: now, if the client has it, or else as soon as it has or the session
   * has ended.
   */
  onceStarted(action: () => void): void {
    if (this.#hasStarted || this.#state === "closed") action();
    else (this.#onStart ??= []).push(action);
  }

  /** The client has turned out to be somebody else than it was identified as. For the node only, which keeps an index. */
  becomeUser(user: string, info: Uint8Array | undefined): void {
    this.#identity = { ...this.#identity, user, info, source: "token" };
  }

  /** Sets when the connection expires, undefined for never, and what is known of its client, undefined for no change. */
  refresh(expireAtSec: number | undefined, info?: Uint8Array, meta?: Uint8Array): void {
    if (this.#state !== "open") return;
    const { info: infoBefore, meta: metaBefore } = this.#identity;
    this.#identity = { ...this.#identity, expireAtSec, info: info ?? infoBefore, meta: meta ?? metaBefore };
    this.#expireAtMs = this.#timeOf(expireAtSec);
    this.#hasExpired = false;
    this.#schedule();
  }

  /** Makes deliveries that are pending, which may end the session. Whatever is sent has them made by itself. */
  flushPending(): void {
    this.#context.flushList.flushPending();
  }

  /** Whether so many bytes more would not disconnect the client as slow. */
  hasRoomFor(byteLength: number): boolean {
    return this.#outbox.hasRoomFor(byteLength);
  }

  /** Queues a push for the end of this turn. A client that does not keep up is disconnected. */
  send(push: EncodedPush): void {
    this.sendAs(push, this.#format);
  }

  /** Queues a push in a format of the transport other than its usual one. */
  sendAs(push: EncodedPush, format: WireFormat): void {
    if (this.#state === "closed") return;
    const frame = push.frameFor(format);
    if (frame === undefined) {
      this.disconnect(disconnect("inappropriateProtocol"));
      return;
    }
    if (frame !== NOTHING && !this.#outbox.enqueue(frame, push.push.type)) this.abort(disconnect("slow"));
  }

  /** Queues a batch of pushes; returns false, and queues none, where they have to be looked at one by one. */
  sendBatch(batch: PushBatch): boolean {
    return this.#state === "closed" || this.#outbox.enqueueBatch(batch, this.#format);
  }

  /** Queues a message in the words of the session's own protocol. */
  sendMessage(message: Uint8Array): void {
    if (this.#state === "closed") return;
    if (!this.#outbox.enqueue(this.transport.format.frame(message))) this.abort(disconnect("slow"));
  }

  /** Tells a client that resumes by itself where it stands with the next push, where it is to. */
  sendEventId(): void {
    const { eventIds } = this.transport;
    if (eventIds === undefined || this.#state === "closed") return;
    const positions = this.#positions();
    if (positions.size === 0) return;
    if (!this.#outbox.enqueue(eventIds.eventIdOf(positions), "eventId")) this.abort(disconnect("slow"));
  }

  /** Where the client stands in the channels that it can recover. */
  #positions(): ReadonlyMap<string, StreamPosition> {
    const positions = new Map<string, StreamPosition>();
    for (const [channel, { position, features }] of this.subscriptions) {
      if (features.recoverable && position !== undefined) positions.set(channel, position);
    }
    return positions;
  }

  /** Ends the session: what is queued, then a disconnect push, then the transport's own goodbye. */
  disconnect(reason: Disconnect): void {
    if (this.#state === "closed") return;
    if (this.transport.sendsDisconnectPush) {
      const push = new EncodedPush({ type: "disconnect", code: reason.code, reason: reason.reason });
      const frame = push.frameFor(this.transport.format);
      if (frame !== undefined) this.#outbox.enqueue(frame, "disconnect");
    }
    this.#closeGracefully(reason);
  }

  /** Ends the session like `disconnect`, without the push. */
  disconnectSilently(reason: Disconnect): void {
    if (this.#state !== "closed") this.#closeGracefully(reason);
  }

  /** Ends a session whose connect failed: in the transport's own way if it has one, else as `asDisconnect`. */
  refuse(failure: ClientError | Disconnect, asDisconnect: Disconnect): void {
    if (this.#state === "closed") return;
    if (this.transport.refuse(failure)) this.disconnectSilently(asDisconnect);
    else this.disconnect(asDisconnect);
  }

  /** Ends the session at once; nothing queued is sent. */
  abort(reason: Disconnect): void {
    if (this.#state === "closed") return;
    this.#release(reason);
    this.transport.abort(reason);
  }

  /** The transport is gone: there is nobody left to tell. */
  transportClosed(): void {
    if (this.#state === "closed") return;
    this.#release(disconnect("connectionClosed"));
  }

  override onDue(): void {
    const now = this.#context.clock.monotonicMs();
    if (now >= this.#staleAtMs)
      return this.disconnect(disconnect(this.#state === "silent" ? "stale" : "serverError"));
    if (now >= this.#expireAtMs && !this.#hasExpired) this.#expire();
    if (now >= this.#expireAtMs) return this.disconnect(disconnect("expired"));
    if (now >= this.#pingAtMs) {
      this.#pingAtMs = now + this.transport.pingIntervalMs;
      this.send(PING);
    }
    if (now >= this.#tickAtMs) {
      this.#tickAtMs = now + this.#context.limits.tickIntervalMs;
      this.#context.host.onSessionTick(this);
    }
    this.#schedule();
  }

  #closeGracefully(reason: Disconnect): void {
    this.#outbox.flush();
    // What was delivered with that may have ended the session, and so may the transport that was given the bytes.
    if (this.isClosed) return;
    this.#release(reason);
    this.transport.close(reason);
  }

  #release(reason: Disconnect): void {
    this.#state = "closed";
    this.#outbox.close();
    this.#context.wheel.cancel(this);
    const { logger } = this.#context;
    const user = this.#identity.user;
    const { code, reason: text, cause: err } = reason;
    logger.debug({ session: this.id, user, code, reason: text, err }, "session closed");
    this.#context.host.onSessionClosed(this, reason);
    this.#runStartActions();
  }

  #runStartActions(): void {
    const actions = this.#onStart ?? [];
    this.#onStart = undefined;
    for (const action of actions) action();
  }

  #firstAfter(intervalMs: number): number {
    const { clock, random } = this.#context;
    return intervalMs > 0
      ? clock.monotonicMs() + intervalMs * (0.5 + random() / 2)
      : Number.POSITIVE_INFINITY;
  }

  /** Begins the grace, unless the host needs none of it. */
  #expire(): void {
    const { host, limits } = this.#context;
    this.#hasExpired = true;
    this.#expireAtMs += Math.max(0, limits.expiredCloseDelayMs);
    // It may have been refreshed by then.
    if (host.onSessionExpires(this) && this.#hasExpired) this.#expireAtMs = Number.POSITIVE_INFINITY;
  }

  /** Monotonic time of a second of the wall clock. */
  #timeOf(atSec: number | undefined): number {
    if (atSec === undefined) return Number.POSITIVE_INFINITY;
    const { clock } = this.#context;
    return clock.monotonicMs() + (atSec * 1000 - clock.wallMs());
  }

  #schedule(): void {
    if (this.#state === "closed") return;
    const { wheel, clock } = this.#context;
    const dueMs = Math.min(this.#staleAtMs, this.#pingAtMs, this.#expireAtMs, this.#tickAtMs);
    if (dueMs === Number.POSITIVE_INFINITY) wheel.cancel(this);
    else wheel.schedule(this, dueMs - clock.monotonicMs());
  }
}
