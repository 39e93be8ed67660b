import type { CryptoKey } from "jose";
import { type ClientError, clientError } from "../../core/client-error.ts";
import type { Clock } from "../../core/clock.ts";
import { Refused } from "../../core/refusal.ts";
import { invalidToken } from "../token-refusal.ts";
import type { KeyByAlgorithm, PublicKeys } from "./public-keys.ts";

/** A document is used for so long after its download, however often: a key that was withdrawn ends then. */
const TTL_MS = 3_600_000;
/** From this age on, use makes it download again in the background, so that nobody waits at the end. */
const REFRESH_AFTER_MS = TTL_MS / 2;
/** The same after a download that failed while there were keys. */
const REFRESH_RETRY_MS = 60_000;
/** Least time between two downloads; what a stranger who makes up key ids can cause. */
const COOL_DOWN_MS = 5_000;
/** The same after a download that failed. */
const FAILURE_COOL_DOWN_MS = 1_000;
/** Ids known to be missing from the document; beyond it a missing id counts as unknown. */
const MISSING_IDS_MAX = 100;

/**
 * The keys that one URL publishes, downloaded when needed and kept in memory.
 *
 * One download serves all who wait. A failed one is the server's trouble, not that of the token: keys that are
 * kept stay usable until their time is over, and all else is a temporary failure. An id that the latest document
 * lacks makes it download again, at most once in a cool-down.
 */
export class RemoteKeySet {
  readonly #download: () => Promise<PublicKeys>;
  readonly #clock: Clock;
  #keys: PublicKeys | undefined;
  #keysUntilMs = 0;
  #refreshAtMs = 0;
  #coolUntilMs = Number.NEGATIVE_INFINITY;
  #failure: unknown;
  #downloading: Promise<void> | undefined;
  readonly #missingIds = new Set<string>();

  constructor(download: () => Promise<PublicKeys>, clock: Clock) {
    this.#download = download;
    this.#clock = clock;
  }

  /** Whether anything usable is kept. */
  get hasKeys(): boolean {
    return this.#current() !== undefined;
  }

  /**
   * The keys of that id for that algorithm; empty where the key is for another one.
   *
   * Rejects with Disconnect 3500 for an id that is not in the document, and with ClientError 100 where that cannot
   * be told for now.
   */
  async keysFor(keyId: string, algorithm: string): Promise<readonly CryptoKey[]> {
    const known = this.#find(keyId);
    if (known === undefined) return (await this.#findElsewhere(keyId)).get(algorithm) ?? [];
    if (this.#clock.monotonicMs() >= this.#refreshAtMs && this.#isCool()) void this.#refresh();
    return known.get(algorithm) ?? [];
  }

  async #findElsewhere(keyId: string): Promise<KeyByAlgorithm> {
    const isCooling = this.#downloading === undefined && !this.#isCool();
    if (!isCooling) await this.#refresh();
    const known = this.#find(keyId);
    if (known !== undefined) return known;
    if (this.#failure !== undefined) throw keysUnavailable(messageOf(this.#failure), this.#failure);
    if (isCooling && !this.#missingIds.has(keyId)) {
      throw keysUnavailable("the key set is too fresh to be downloaded again for a new key id");
    }
    if (this.#missingIds.size < MISSING_IDS_MAX) this.#missingIds.add(keyId);
    throw invalidToken("token_unknown_key", "no key with the token's id");
  }

  #find(keyId: string): KeyByAlgorithm | undefined {
    return this.#current()?.byId.get(keyId);
  }

  #current(): PublicKeys | undefined {
    return this.#clock.monotonicMs() < this.#keysUntilMs ? this.#keys : undefined;
  }

  #isCool(): boolean {
    return this.#clock.monotonicMs() >= this.#coolUntilMs;
  }

  /** Downloads, or waits for the download under way. Never rejects: the failure is kept. */
  #refresh(): Promise<void> {
    this.#downloading ??= this.#replaceKeys().finally(() => (this.#downloading = undefined));
    return this.#downloading;
  }

  async #replaceKeys(): Promise<void> {
    const startMs = this.#clock.monotonicMs();
    try {
      const keys = await this.#download();
      this.#missingIds.clear();
      for (const id of this.#keys?.byId.keys() ?? []) if (!keys.byId.has(id)) this.#missingIds.add(id);
      this.#keys = keys;
      this.#keysUntilMs = startMs + TTL_MS;
      this.#refreshAtMs = startMs + REFRESH_AFTER_MS;
      this.#coolUntilMs = startMs + COOL_DOWN_MS;
      this.#failure = undefined;
    } catch (error) {
      const nowMs = this.#clock.monotonicMs();
      this.#failure = error;
      this.#coolUntilMs = nowMs + FAILURE_COOL_DOWN_MS;
      this.#refreshAtMs = Math.max(this.#refreshAtMs, nowMs + REFRESH_RETRY_MS);
    }
  }
}

/** Not the token's fault: 100. */
function keysUnavailable(detail: string, cause?: unknown): ClientError {
  return clientError("internal", new Refused("token_keys_unavailable", detail, cause));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
