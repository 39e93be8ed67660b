import type { Clock } from "../../core/clock.ts";
import type { Live } from "../../core/live.ts";
import type { SharedRates } from "../../core/shared-limits.ts";
import { type AddressedRequest, clientAddress, networkOf } from "../../http/client-address.ts";
import { type RateDecision, RateLimiter } from "../../lib/rate-limiter.ts";
import type { RateLimiterConfig } from "./config.ts";

/** What is limited for each client address. */
export type LimitedRequest = "websocket" | "api";

const OPTIONS = {
  websocket: "websocket_rate_limit",
  api: "api_rate_limit",
} as const satisfies Record<LimitedRequest, keyof RateLimiterConfig>;

/** Addresses that are remembered for each kind. */
const MAX_ADDRESSES = 100_000;

/** How much each client address may ask for: section `pusher.rate_limiter` (docs/protocols/pusher.md §6). */
export class AddressLimits {
  readonly #config: Live<RateLimiterConfig>;
  readonly #limiters: Readonly<Record<LimitedRequest, RateLimiter>>;

  /** The limits are those of all nodes together. */
  constructor(config: Live<RateLimiterConfig>, clock: Pick<Clock, "monotonicMs">, rates: SharedRates) {
    this.#config = config;
    const limiter = (kind: LimitedRequest): RateLimiter => {
      const name = `pusher address ${kind}`;
      const made = new RateLimiter({
        clock,
        maxKeys: MAX_ADDRESSES,
        limit: () => this.#limitOf(kind),
        onTaken: (address, points) => rates.reportTaken(name, address, points),
      });
      rates.onTakenElsewhere(name, (address, points) => made.note(address, points));
      return made;
    };
    this.#limiters = { websocket: limiter("websocket"), api: limiter("api") };
  }

  /** Counts a request; one that is not allowed is to be answered with 429. */
  take(kind: LimitedRequest, request: AddressedRequest): RateDecision {
    const address = clientAddress(request, this.#config.get().trust_hops);
    return this.#limiters[kind].take(networkOf(address));
  }

  #limitOf(kind: LimitedRequest): { readonly max: number; readonly windowMs: number } {
    const config = this.#config.get();
    const { max_requests: max, window_seconds: windowSec } = config[OPTIONS[kind]];
    return { max: config.enabled ? max : 0, windowMs: windowSec * 1000 };
  }
}
