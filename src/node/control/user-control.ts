import type { InvalidateTokensCommand } from "../../core/commands.ts";
import type { AccessSubject } from "../../core/access.ts";
import { type ClientError, clientError } from "../../core/client-error.ts";
import type { Clock } from "../../core/clock.ts";
import { type Disconnect, type DisconnectName, disconnect } from "../../core/disconnect.ts";
import type { Logger } from "../../core/logger.ts";
import type { UserStatus } from "../../core/user-status.ts";
import type { SlicedWork } from "../../lib/sliced-work.ts";
import type { Session } from "../../session/session.ts";
import type { AccessList, AccessVerdict } from "./access-list.ts";
import type { UserStatuses } from "./user-statuses.ts";

/** What control over users works with. */
export interface UserControlOptions {
  readonly access: AccessList;
  /** Undefined where statuses are switched off. */
  readonly statuses: UserStatuses | undefined;
  /** Identified sessions of this node. */
  readonly sessions: () => Iterable<Session>;
  readonly slices: SlicedWork;
  readonly sessionsOf: (user: string) => ReadonlySet<Session>;
  readonly clock: Clock;
  readonly logger: Logger;
}

const UPKEEP_INTERVAL_MS = 1000;
/** Entries of each table that are looked at in one go. */
const LOOKS_AT_ONCE = 1000;
/** Turns of upkeep between two saves of who was seen. */
const SAVE_EVERY = 10;

/**
 * Control over users and their tokens (server-api §4).
 *
 * A command counts for later connects from the moment it is given, and so does for those on their way: between
 * `checkAccess` and the session's place in the hub nothing may wait, or `enforce` must follow.
 */
export class UserControl {
  readonly #options: UserControlOptions;
  #upkeep: Disposable | undefined;
  #isAtWork = false;
  #turns = 0;

  constructor(options: UserControlOptions) {
    this.#options = options;
  }

  /** Begins to forget what has expired. */
  start(): void {
    this.#upkeep ??= this.#options.clock.every(UPKEEP_INTERVAL_MS, () => void this.#doUpkeep());
  }

  /** Saves what has not been saved. Idempotent. */
  async close(): Promise<void> {
    this.#upkeep?.[Symbol.dispose]();
    this.#upkeep = undefined;
    await this.#logFailure(this.#options.statuses?.save());
  }

  /** Throws Disconnect 3507 for a blocked user, and ClientError 109 for a void token. */
  checkAccess(subject: AccessSubject): void {
    const { access } = this.#options;
    const refusal = REFUSALS[access.verdictOn(subject)];
    if (refusal !== undefined) throw refusal();
  }

  /** Ends a session that may not be connected. */
  enforce(session: Session): void {
    const name = LIVE_ENDS[this.#options.access.verdictOn(session.identity)];
    if (name !== undefined) session.disconnect(disconnect(name));
  }

  /** A user is connected. */
  seen(user: string): void {
    if (user !== "") this.#options.statuses?.seen(user);
  }

  /** Users were active now, in this state. Rejects with ClientError 108 where statuses are switched off. */
  async updateStatus(users: readonly string[], state: string): Promise<void> {
    await this.#statuses.update(users, state);
  }

  /** Statuses in the order of the users. Rejects like `updateStatus`. */
  async statuses(users: readonly string[]): Promise<readonly UserStatus[]> {
    const { clock, sessionsOf } = this.#options;
    const nowSec = Math.floor(clock.wallMs() / 1000);
    return this.#statuses
      .get(users)
      .map((status) => (sessionsOf(status.user).size > 0 ? { ...status, onlineSec: nowSec } : status));
  }

  /** Rejects like `updateStatus`. */
  async deleteStatuses(users: readonly string[]): Promise<void> {
    await this.#statuses.delete(users);
  }

  /** Closes a user's connections and refuses new ones until then, Unix seconds; undefined for the configured time. */
  async block(user: string, expireAtSec: number | undefined): Promise<void> {
    if (this.#isPast(expireAtSec)) return;
    const written = this.#options.access.block(user, expireAtSec);
    for (const session of [...this.#options.sessionsOf(user)]) this.enforce(session);
    await written;
  }

  async unblock(user: string): Promise<void> {
    await this.#options.access.unblock(user);
  }

  /** Closes the connections of a token and refuses it until then, Unix seconds; undefined for the configured time. */
  async revokeToken(tokenId: string, expireAtSec: number | undefined): Promise<void> {
    if (this.#isPast(expireAtSec)) return;
    const written = this.#options.access.revoke(tokenId, expireAtSec);
    await Promise.all([written, this.#enforceOnToken(tokenId)]);
  }

  /** Closes the connections of a user's older tokens, and refuses these. */
  async invalidateTokens(command: InvalidateTokensCommand): Promise<void> {
    const { user, channel, expireAtSec } = command;
    if (this.#isPast(expireAtSec)) return;
    const { access, clock, sessionsOf } = this.#options;
    const issuedBeforeSec = command.issuedBeforeSec ?? Math.floor(clock.wallMs() / 1000);
    const written = access.invalidate({ user, channel, issuedBeforeSec }, expireAtSec);
    for (const session of [...sessionsOf(user)]) this.enforce(session);
    await written;
  }

  get #statuses(): UserStatuses {
    const { statuses } = this.#options;
    if (statuses === undefined) throw clientError("notAvailable");
    return statuses;
  }

  /** Looks at all sessions, in slices: an index by token would cost every connection. */
  async #enforceOnToken(tokenId: string): Promise<void> {
    const { sessions, slices } = this.#options;
    await slices.visit(sessions(), (session) => {
      if (session.identity.tokenId === tokenId) this.enforce(session);
      return true;
    });
  }

  #isPast(atSec: number | undefined): boolean {
    return atSec !== undefined && atSec * 1000 <= this.#options.clock.wallMs();
  }

  /** Never rejects. Where the store is slow, turns are left out. */
  async #doUpkeep(): Promise<void> {
    if (this.#isAtWork) return;
    this.#isAtWork = true;
    const { access, statuses } = this.#options;
    this.#turns += 1;
    await this.#logFailure(access.sweep(LOOKS_AT_ONCE));
    await this.#logFailure(statuses?.sweep(LOOKS_AT_ONCE));
    if (this.#turns % SAVE_EVERY === 0) await this.#logFailure(statuses?.save());
    this.#isAtWork = false;
  }

  async #logFailure(work: Promise<void> | undefined): Promise<void> {
    try {
      await work;
    } catch (err) {
      this.#options.logger.error({ err }, "users and tokens not saved");
    }
  }
}

const REFUSALS: Readonly<Record<AccessVerdict, (() => ClientError | Disconnect) | undefined>> = {
  allowed: undefined,
  blocked: () => disconnect("permissionDenied", new Error("the user is blocked")),
  // The client gets another token and comes back with it.
  voidToken: () => clientError("tokenExpired", new Error("the token has been made void")),
};

const LIVE_ENDS: Readonly<Record<AccessVerdict, DisconnectName | undefined>> = {
  allowed: undefined,
  blocked: "forceNoReconnect",
  voidToken: "stateInvalidated",
};
