import { setImmediate as endOfTurn } from "node:timers/promises";
import type { SharedLimits } from "../core/shared-limits.ts";
import type { RateTaken } from "./calls.ts";

/** How long the others wait for a process that does not go on. */
const TURN_MAX_MS = 100;

/** A process that hears of what the others take and have. */
export interface LimitsListener {
  takenElsewhere(taken: readonly RateTaken[]): void;
  /** So many sessions the others have together. */
  sessionsElsewhere(count: number): void;
}

/** Limits that hold for the processes of one machine together. */
export class LimitsHub {
  readonly #limits: SharedLimits;
  readonly #members = new Set<LimitsMember>();
  /** When the process that has caught up last has reported what came of it. */
  #lastTurn: Promise<void> = Promise.resolve();
  /** Processes have not heard of each other's latest sessions. */
  #isAnnouncing = false;
  readonly #announce = (): void => {
    if (!this.#isAnnouncing) return;
    this.#isAnnouncing = false;
    const total = [...this.#members].reduce((sum, { sessions }) => sum + sessions, 0);
    for (const { listener, sessions } of this.#members) listener.sessionsElsewhere(total - sessions);
  };

  constructor(limits: SharedLimits) {
    this.#limits = limits;
  }

  join(listener: LimitsListener): LimitsMember {
    const member = new LimitsMember(this.#limits, listener, {
      onSessions: () => this.#announceSoon(),
      onCatchUp: (turn) => this.#catchUp(turn),
      onTaken: (from, taken) => {
        for (const other of this.#members) if (other !== from) other.listener.takenElsewhere(taken);
      },
      onLeft: (left) => {
        this.#members.delete(left);
        this.#announceSoon();
      },
    });
    this.#members.add(member);
    this.#announceSoon();
    return member;
  }

  /** Once for all that comes in one turn. */
  #announceSoon(): void {
    if (this.#isAnnouncing) return;
    this.#isAnnouncing = true;
    setImmediate(this.#announce);
  }

  /** Resolves when it is the turn of a process, which lasts until `turn` resolves, and the process has caught up. */
  async #catchUp(turn: Promise<void>): Promise<void> {
    const before = this.#lastTurn;
    this.#lastTurn = turn;
    await before;
    // In a whole turn of the event loop, everything is read that processes have written before.
    await endOfTurn();
    await endOfTurn();
    this.#announce();
  }
}

interface MemberEvents {
  onSessions(): void;
  onCatchUp(turn: Promise<void>): Promise<void>;
  onTaken(from: LimitsMember, taken: readonly RateTaken[]): void;
  onLeft(member: LimitsMember): void;
}

/** What one process has taken, which goes with it. */
export class LimitsMember {
  readonly listener: LimitsListener;
  sessions = 0;
  readonly #limits: SharedLimits;
  readonly #events: MemberEvents;
  readonly #taken = new Map<string, number>();
  /** Ends of the turns that the process has or waits for, in order. */
  readonly #turnEnds: (() => void)[] = [];

  constructor(limits: SharedLimits, listener: LimitsListener, events: MemberEvents) {
    this.#limits = limits;
    this.listener = listener;
    this.#events = events;
  }

  /** Counted from the call on, so that whatever follows it, the end of the process included, finds it. */
  async take(key: string, max: number): Promise<boolean> {
    this.#count(key, 1);
    const isTaken = await this.#limits.take(key, max);
    if (!isTaken) this.#count(key, -1);
    return isTaken;
  }

  /** Gives one back; nothing where the process has none. */
  give(key: string): void {
    if (!this.#taken.has(key)) return;
    this.#count(key, -1);
    this.#limits.give(key);
  }

  reportTaken(taken: readonly RateTaken[]): void {
    this.#events.onTaken(this, taken);
  }

  reportSessions(count: number): void {
    if (this.sessions === count) return;
    this.sessions = count;
    this.#events.onSessions();
  }

  /**
   * Resolves once the process has been sent everything that the others had reported before the call. The others wait
   * until it ends its turn, which it does at once.
   */
  async catchUp(): Promise<void> {
    const { promise: turn, resolve: end } = Promise.withResolvers<void>();
    this.#turnEnds.push(end);
    await this.#events.onCatchUp(turn);
    const timer = setTimeout(end, TURN_MAX_MS);
    void turn.then(() => clearTimeout(timer));
  }

  /** The process has reported what came of the turn that it had first. */
  endTurn(): void {
    this.#turnEnds.shift()?.();
  }

  /** Gives back everything that the process has taken. */
  leave(): void {
    for (const [key, count] of this.#taken) for (let at = 0; at < count; at++) this.#limits.give(key);
    this.#taken.clear();
    for (const end of this.#turnEnds) end();
    this.#events.onLeft(this);
  }

  #count(key: string, change: number): void {
    const count = (this.#taken.get(key) ?? 0) + change;
    if (count > 0) this.#taken.set(key, count);
    else this.#taken.delete(key);
  }
}
