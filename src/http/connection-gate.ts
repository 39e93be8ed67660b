import type { Live } from "../core/live.ts";

/** What the gate needs of a clock. */
export interface GateClock {
  monotonicMs(): number;
}

/** Limits on connections over HTTP transports; 0 or less switches one off. */
export interface ConnectionLimits {
  /** Identified connections on this node. */
  readonly connectionLimit: number;
  /** New connections a second; as many may come at once. */
  readonly connectionRateLimit: number;
}

/** What the gate works with. */
export interface ConnectionGateOptions {
  readonly limits: Live<ConnectionLimits>;
  readonly connectionCount: () => number;
  readonly clock: GateClock;
  /** Is told of each connection that counts against the rate. */
  readonly onTaken?: () => void;
}

/** Decides whether one more connection may be tried. A refused one is answered with 503. */
export class ConnectionGate {
  readonly #options: ConnectionGateOptions;
  /** Cut down to the limit with each use, whatever it is by then. */
  #tokens = Number.POSITIVE_INFINITY;
  #refilledAtMs: number;

  constructor(options: ConnectionGateOptions) {
    this.#options = options;
    this.#refilledAtMs = options.clock.monotonicMs();
  }

  admits(): boolean {
    const { limits, connectionCount } = this.#options;
    const { connectionLimit, connectionRateLimit } = limits.get();
    if (connectionLimit > 0 && connectionCount() >= connectionLimit) return false;
    return connectionRateLimit <= 0 || this.#takeToken(connectionRateLimit);
  }

  /** Counts connections that other nodes have let in against the rate. */
  note(count: number): void {
    const { connectionRateLimit } = this.#options.limits.get();
    if (connectionRateLimit <= 0) return;
    this.#refill(connectionRateLimit);
    this.#tokens -= count;
  }

  #takeToken(connectionRateLimit: number): boolean {
    this.#refill(connectionRateLimit);
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    this.#options.onTaken?.();
    return true;
  }

  #refill(connectionRateLimit: number): void {
    const now = this.#options.clock.monotonicMs();
    const refill = ((now - this.#refilledAtMs) / 1000) * connectionRateLimit;
    this.#tokens = Math.min(connectionRateLimit, this.#tokens + refill);
    this.#refilledAtMs = now;
  }
}
