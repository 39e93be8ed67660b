import type { SharedLimits } from "../core/shared-limits.ts";
import type { RateTaken } from "./calls.ts";

/** A process that hears of what the others take and have. */
export interface LimitsListener {
  takenElsewhere(taken: readonly RateTaken[]): void;
  /** So many sessions the others have together. */
  sessionsElsewhere(count: number): void;
}

/** When processes hear of each other's sessions. */
export type SessionNews = "atOnce" | "inTurns";

/** Limits that hold for the processes of one machine together. */
export class LimitsHub {
  readonly #limits: SharedLimits;
  readonly #members = new Set<LimitsMember>();
  readonly #later: (announce: () => void) => unknown;
  #isAnnouncing = false;

  /**
   * With `atOnce`, processes hear of each other's sessions before anything else that the primary does; otherwise, once
   * for all that comes in one turn, which costs less with many of them.
   */
  constructor(limits: SharedLimits, news: SessionNews) {
    this.#limits = limits;
    this.#later = news === "atOnce" ? (announce) => process.nextTick(announce) : setImmediate;
  }

  join(listener: LimitsListener): LimitsMember {
    const member = new LimitsMember(this.#limits, listener, {
      onSessions: () => this.#announceSoon(),
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

  /** Once for all that has come with it. */
  #announceSoon(): void {
    if (this.#isAnnouncing) return;
    this.#isAnnouncing = true;
    this.#later(() => {
      this.#isAnnouncing = false;
      const total = [...this.#members].reduce((sum, { sessions }) => sum + sessions, 0);
      for (const { listener, sessions } of this.#members) listener.sessionsElsewhere(total - sessions);
    });
  }
}

interface MemberEvents {
  onSessions(): void;
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

  /** Gives back everything that the process has taken. */
  leave(): void {
    for (const [key, count] of this.#taken) for (let at = 0; at < count; at++) this.#limits.give(key);
    this.#taken.clear();
    this.#events.onLeft(this);
  }

  #count(key: string, change: number): void {
    const count = (this.#taken.get(key) ?? 0) + change;
    if (count > 0) this.#taken.set(key, count);
    else this.#taken.delete(key);
  }
}
