/** So many points within so long; a `max` of 0 or less is no limit. */
export interface RateLimit {
  readonly max: number;
  readonly windowMs: number;
}

/** Outcome of a request for points. */
export interface RateDecision {
  readonly allowed: boolean;
  /** Points of a window; Infinity without a limit. */
  readonly max: number;
  /** Points left in this window; Infinity without a limit. */
  readonly remaining: number;
  /** Whole seconds until the window ends where it is not allowed, at least 1; otherwise 0. */
  readonly retryAfterSec: number;
}

/**
 * A limit for one thing, as small as two numbers: a window opens with the first point taken, and what exceeds its
 * maximum is refused until it ends. What is refused takes nothing, and more points than the maximum are never granted.
 */
export class RateWindow {
  #endsAtMs = 0;
  #used = 0;

  /** Whether the points were to be had. Times are of one clock that never goes back. */
  take(nowMs: number, max: number, windowMs: number, points = 1): boolean {
    if (max <= 0) return true;
    if (this.hasEnded(nowMs)) {
      this.#endsAtMs = nowMs + windowMs;
      this.#used = 0;
    }
    if (this.#used + points > max) return false;
    this.#used += points;
    return true;
  }

  /** Counts points that have been taken elsewhere. */
  note(nowMs: number, windowMs: number, points: number): void {
    if (this.hasEnded(nowMs)) {
      this.#endsAtMs = nowMs + windowMs;
      this.#used = 0;
    }
    this.#used += points;
  }

  hasEnded(nowMs: number): boolean {
    return nowMs >= this.#endsAtMs;
  }

  /** Points taken in the window of the latest take. */
  get used(): number {
    return this.#used;
  }

  get endsAtMs(): number {
    return this.#endsAtMs;
  }
}

/** What the limiter works with. */
export interface RateLimiterOptions {
  readonly clock: { monotonicMs(): number };
  /** Keys remembered at most; beyond that, the one whose window opened first is forgotten. */
  readonly maxKeys: number;
  /** The limit of a key at this moment. */
  readonly limit: (key: string) => RateLimit;
  /** Is told what has been granted. */
  readonly onTaken?: (key: string, points: number) => void;
}

const UNLIMITED: RateDecision = {
  allowed: true,
  max: Infinity,
  remaining: Infinity,
  retryAfterSec: 0,
};

/** A limit for each of many keys, such as the addresses of clients. */
export class RateLimiter {
  readonly #options: RateLimiterOptions;
  /** In the order in which the windows opened. */
  readonly #windows = new Map<string, RateWindow>();

  constructor(options: RateLimiterOptions) {
    this.#options = options;
  }

  take(key: string, points = 1): RateDecision {
    const { max, windowMs } = this.#options.limit(key);
    if (max <= 0) return UNLIMITED;
    const now = this.#options.clock.monotonicMs();
    const window = this.#windowOf(key, now);
    const allowed = window.take(now, max, windowMs, points);
    if (allowed) this.#options.onTaken?.(key, points);
    return {
      allowed,
      max,
      remaining: Math.max(0, max - window.used),
      retryAfterSec: allowed ? 0 : Math.ceil((window.endsAtMs - now) / 1000),
    };
  }

  /** Counts points that others have granted. */
  note(key: string, points: number): void {
    const { max, windowMs } = this.#options.limit(key);
    if (max <= 0) return;
    const now = this.#options.clock.monotonicMs();
    this.#windowOf(key, now).note(now, windowMs, points);
  }

  /** Keys that are remembered. */
  get size(): number {
    return this.#windows.size;
  }

  #windowOf(key: string, now: number): RateWindow {
    const known = this.#windows.get(key);
    if (known?.hasEnded(now) === false) return known;
    const window = known ?? new RateWindow();
    this.#windows.delete(key);
    this.#forgetOldest(now);
    this.#windows.set(key, window);
    return window;
  }

  /** Forgets windows that have ended, and the oldest one where there is no room for another. */
  #forgetOldest(now: number): void {
    for (const [key, window] of this.#windows) {
      if (!window.hasEnded(now) && this.#windows.size < this.#options.maxKeys) return;
      this.#windows.delete(key);
    }
  }
}
