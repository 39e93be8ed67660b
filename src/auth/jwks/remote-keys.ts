import type { Clock } from "../../core/clock.ts";
import type { Logger } from "../../core/logger.ts";
import type { KeySource, TokenHeader, VerificationKey } from "../compact-token.ts";
import { type TokenConfig, TokenOptionError } from "../config.ts";
import type { Captures } from "../expected-parties.ts";
import { invalidToken } from "../token-refusal.ts";
import { findEndpointProblem, findEndpointRisk } from "./endpoint-safety.ts";
import { fetchDocument, type FetchLimits, JwksEndpoint } from "./endpoint.ts";
import { PUBLIC_KEY_ALGORITHMS, type PublicKeys, readPublicKeys } from "./public-keys.ts";
import { RemoteKeySet } from "./remote-key-set.ts";

const FETCH_LIMITS: FetchLimits = { timeoutMs: 1_000, attempts: 2, maxBytes: 262_144 };
/** URLs whose keys are kept; the one that was not used for longest goes first. */
const URLS_MAX = 256;
/** Downloads at the same time; one more fails at once. */
const DOWNLOADS_MAX = 64;
/** A longer key id is no key's. */
const KEY_ID_MAX_LENGTH = 512;

/** What fetching keys needs. */
export interface RemoteKeysPorts {
  readonly clock: Clock;
  /** Undefined for no log. */
  readonly logger: Logger | undefined;
  /** Gets the document at a URL; rejects where it cannot. */
  readonly download: (url: string) => Promise<Uint8Array>;
}

/** Downloads a key set: two attempts of a second each, 256 KiB at most. */
export function downloadKeySet(url: string): Promise<Uint8Array> {
  return fetchDocument(url, FETCH_LIMITS);
}

/** The keys that an endpoint publishes (docs/protocols/channels.md §1.4). A token names its key by `kid`. */
export class RemoteKeys implements KeySource {
  readonly #endpoint: JwksEndpoint;
  readonly #ports: RemoteKeysPorts;
  /** By URL, the one used last at the end. */
  readonly #sets = new Map<string, RemoteKeySet>();
  #downloads = 0;

  /** Fetches nothing yet. Throws TokenOptionError where the endpoint cannot be used or is not safe to use. */
  constructor(options: TokenConfig, section: string, ports: RemoteKeysPorts) {
    const problem =
      findEndpointProblem(options) ??
      (options.insecure_skip_jwks_endpoint_safety_check ? undefined : findEndpointRisk(options));
    if (problem !== undefined) throw new TokenOptionError(section, problem.option, problem.message);
    this.#endpoint = new JwksEndpoint(options.jwks_public_endpoint);
    this.#ports = ports;
  }

  keysFor(
    { algorithm, keyId }: TokenHeader,
    captures: () => Captures,
  ): readonly VerificationKey[] | Promise<readonly VerificationKey[]> {
    if (!PUBLIC_KEY_ALGORITHMS.has(algorithm)) return [];
    if (keyId === "" || keyId.length > KEY_ID_MAX_LENGTH)
      throw invalidToken("token_unknown_key", "no usable key id");
    return this.#setAt(this.#endpoint.urlFor(captures)).keysFor(keyId, algorithm);
  }

  #setAt(url: string): RemoteKeySet {
    const set = this.#sets.get(url) ?? new RemoteKeySet(() => this.#download(url), this.#ports.clock);
    this.#sets.delete(url);
    if (this.#sets.size >= URLS_MAX) this.#evict();
    this.#sets.set(url, set);
    return set;
  }

  /** What never had keys goes first: made-up URLs must not drive out the real ones. */
  #evict(): void {
    let [victim] = this.#sets.keys();
    for (const [url, set] of this.#sets) {
      if (set.hasKeys) continue;
      victim = url;
      break;
    }
    if (victim !== undefined) this.#sets.delete(victim);
  }

  async #download(url: string): Promise<PublicKeys> {
    const { download, logger } = this.#ports;
    if (this.#downloads >= DOWNLOADS_MAX) throw new Error(`${DOWNLOADS_MAX} key sets are being downloaded`);
    this.#downloads++;
    try {
      const keys = await readPublicKeys(await download(url));
      logger?.debug({ endpoint: url, keys: keys.byId.size, skipped: keys.skipped }, "key set downloaded");
      return keys;
    } catch (error) {
      logger?.warn({ endpoint: url, err: error }, "key set cannot be downloaded");
      throw error;
    } finally {
      this.#downloads--;
    }
  }
}
