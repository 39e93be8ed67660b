import type { AccessSubject } from "../../core/access.ts";
import { type ClientError, clientError } from "../../core/client-error.ts";
import type { Clock } from "../../core/clock.ts";
import type { InvalidateTokensCommand } from "../../core/commands.ts";
import { type Disconnect, type DisconnectName, disconnect } from "../../core/disconnect.ts";
import { Refused } from "../../core/refusal.ts";
import type { SlicedWork } from "../../lib/sliced-work.ts";
import type { Session } from "../../session/session.ts";
import type { AccessList, AccessVerdict } from "./access-list.ts";

/** What enforcement works with. */
export interface AccessEnforcerOptions {
  readonly access: AccessList;
  /** Identified sessions of this node. */
  readonly sessions: () => Iterable<Session>;
  readonly sessionsOf: (user: string) => ReadonlySet<Session>;
  readonly slices: SlicedWork;
  readonly clock: Clock;
}

/**
 * Holds the connections of this node against the list of who is locked out.
 *
 * A command counts for later connects from the moment it is given, and so does for those on their way: between `check`
 * and the session's place in the hub nothing may wait, or `enforce` must follow.
 */
export class AccessEnforcer {
  readonly #options: AccessEnforcerOptions;

  constructor(options: AccessEnforcerOptions) {
    this.#options = options;
  }

  /** Takes over what the store has. */
  async load(): Promise<void> {
    await this.#options.access.load();
  }

  /** Throws Disconnect 3507 for a blocked user, and ClientError 109 for a void token. */
  check(subject: AccessSubject): void {
    const refusal = REFUSALS[this.#options.access.verdictOn(subject)];
    if (refusal !== undefined) throw refusal();
  }

  /** Ends a session that may not be connected. */
  enforce(session: Session): void {
    const name = LIVE_ENDS[this.#options.access.verdictOn(session.identity)];
    if (name !== undefined) session.disconnect(disconnect(name));
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

  /** Forgets some of what has expired. */
  async sweep(maxLooks: number): Promise<void> {
    await this.#options.access.sweep(maxLooks);
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
}

const REFUSALS: Readonly<Record<AccessVerdict, (() => ClientError | Disconnect) | undefined>> = {
  allowed: undefined,
  blocked: () => disconnect("permissionDenied", new Refused("user_blocked")),
  // The client gets another token and comes back with it.
  voidToken: () => clientError("tokenExpired", new Refused("token_revoked")),
};

const LIVE_ENDS: Readonly<Record<AccessVerdict, DisconnectName | undefined>> = {
  allowed: undefined,
  blocked: "forceNoReconnect",
  voidToken: "stateInvalidated",
};
