import type { AccessSubject, UserStatus, UserStatusBook } from "../../core/access.ts";
import type { Ambient } from "../../core/ambient.ts";
import { clientError } from "../../core/client-error.ts";
import type { InvalidateTokensCommand } from "../../core/commands.ts";
import type { Session } from "../../session/session.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { AccessEnforcer } from "./access-enforcer.ts";

/** What control over users works with. */
export interface UserControlOptions extends Pick<Ambient, "clock" | "logger"> {
  readonly access: AccessEnforcer;
  /** Undefined where statuses are switched off. */
  readonly statuses: UserStatusBook | undefined;
  readonly cluster: Pick<Cluster, "ask">;
}

const UPKEEP_INTERVAL_MS = 1000;
/** Entries of each table that are looked at in one go. */
const LOOKS_AT_ONCE = 1000;
/** Turns of upkeep between two saves of who was seen. */
const SAVE_EVERY = 10;

/** Control over users and their tokens (docs/protocols/server-api.md §4). Commands take effect on all nodes. */
export class UserControl {
  readonly #options: UserControlOptions;
  #upkeep: Disposable | undefined;
  #isAtWork = false;
  #turns = 0;

  constructor(options: UserControlOptions) {
    this.#options = options;
  }

  /** Takes over who is locked out, and begins to forget what has expired. */
  async start(): Promise<void> {
    await this.#options.access.load();
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
    this.#options.access.check(subject);
  }

  /** Ends a session that may not be connected. */
  enforce(session: Session): void {
    this.#options.access.enforce(session);
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
    const { clock, cluster } = this.#options;
    const [statuses, connected] = await Promise.all([
      this.#statuses.get(users),
      cluster.ask("connectedUsers", users),
    ]);
    const online = new Set(connected.flatMap(({ value }) => value));
    const nowSec = Math.floor(clock.wallMs() / 1000);
    return statuses.map((status) => (online.has(status.user) ? { ...status, onlineSec: nowSec } : status));
  }

  /** Rejects like `updateStatus`. */
  async deleteStatuses(users: readonly string[]): Promise<void> {
    await this.#statuses.delete(users);
  }

  /** Closes a user's connections and refuses new ones until then, Unix seconds; undefined for the configured time. */
  async block(user: string, expireAtSec: number | undefined): Promise<void> {
    await this.#options.cluster.ask("block", { id: user, expireAtSec });
  }

  async unblock(user: string): Promise<void> {
    await this.#options.cluster.ask("unblock", user);
  }

  /** Closes the connections of a token and refuses it until then, Unix seconds; undefined for the configured time. */
  async revokeToken(tokenId: string, expireAtSec: number | undefined): Promise<void> {
    await this.#options.cluster.ask("revokeToken", { id: tokenId, expireAtSec });
  }

  /** Closes the connections of a user's older tokens, and refuses these. */
  async invalidateTokens(command: InvalidateTokensCommand): Promise<void> {
    await this.#options.cluster.ask("invalidateTokens", command);
  }

  get #statuses(): UserStatusBook {
    const { statuses } = this.#options;
    if (statuses === undefined) throw clientError("notAvailable");
    return statuses;
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
