import type { ConnectAnswer } from "../core/backend.ts";
import type { OpeningHeaders } from "../core/connect-request.ts";
import { disconnect } from "../core/disconnect.ts";
import { NO_LABELS } from "../core/label-filter.ts";
import { Refused } from "../core/refusal.ts";
import type { Credentials, TokenVerifier } from "../core/token-verifier.ts";

/** What a client brings along to be let in. */
export interface ConnectAttempt {
  /** JWT; "" when none was sent. */
  readonly token: string;
  /** Of the request that opened the connection. */
  readonly headers: OpeningHeaders;
  /** Asks the backend who it is; undefined where that has no opinion. */
  askBackend(): Promise<ConnectAnswer | undefined> | undefined;
}

/** Who may connect: members of the configuration's section `client`. */
export interface ConnectAuthenticatorOptions {
  /** Lets clients without token in, with an empty user id. Then `user_id_http_header` is ignored. */
  readonly allow_anonymous_connect_without_token: boolean;
  /** Refuses tokens with an empty user id. */
  readonly disallow_anonymous_connection_tokens: boolean;
  /** Header that a trusted proxy in front puts the user id in; "" for none. */
  readonly user_id_http_header: string;
  /** For development: lets clients without token in, and nobody expires. A token that is sent must be valid. */
  readonly insecure: boolean;
}

const ANONYMOUS: Credentials = {
  user: "",
  expireAtSec: undefined,
  info: undefined,
  meta: undefined,
  labels: NO_LABELS,
  subscriptions: new Map(),
  tokenId: "",
  issuedAtSec: 0,
  data: undefined,
  source: "anonymous",
};

/**
 * Finds out who a client is (docs/protocols/channels.md §1.5): its token decides, or else the backend, then whether
 * anybody may come in, then a header.
 */
export class ConnectAuthenticator {
  readonly #options: ConnectAuthenticatorOptions;
  readonly #verifier: TokenVerifier;
  /** Lower case, as headers are read. */
  readonly #userHeader: string;

  constructor(options: ConnectAuthenticatorOptions, verifier: TokenVerifier) {
    this.#options = options;
    this.#verifier = verifier;
    this.#userHeader = options.user_id_http_header.toLowerCase();
  }

  /**
   * Credentials, which may have expired already. At once, unless a token has to be verified or the backend is asked.
   *
   * Throws or rejects with Disconnect 3500 for an invalid token, 3507 for one without user where that is not allowed,
   * 3501 without any credentials, with ClientError 109 for an expired token, and with what the backend says.
   */
  authenticate(attempt: ConnectAttempt): Credentials | Promise<Credentials> {
    if (attempt.token !== "") return this.#byToken(attempt.token);
    const asked = attempt.askBackend();
    if (asked === undefined) return this.#byConfiguration(attempt.headers);
    return asked.then((answer) =>
      answer === undefined ? this.#byConfiguration(attempt.headers) : this.#byBackend(answer),
    );
  }

  async #byToken(text: string): Promise<Credentials> {
    const token = await this.#verifier.verifyConnection(text);
    if (token.user === "" && this.#options.disallow_anonymous_connection_tokens)
      throw disconnect("permissionDenied", new Refused("anonymous_token"));
    return { ...token, expireAtSec: this.#endOf(token.expireAtSec), data: undefined, source: "token" };
  }

  #byBackend(answer: ConnectAnswer): Credentials {
    const { user, expireAtSec, info, meta, labels, subscriptions, data } = answer;
    const known = { ...ANONYMOUS, user, info, meta, labels, subscriptions, data };
    return { ...known, expireAtSec: this.#endOf(expireAtSec), source: "backend" };
  }

  #endOf(expireAtSec: number | undefined): number | undefined {
    return this.#options.insecure ? undefined : expireAtSec;
  }

  #byConfiguration(headers: OpeningHeaders): Credentials {
    const { insecure, allow_anonymous_connect_without_token: allowAnonymous } = this.#options;
    if (allowAnonymous || insecure) return ANONYMOUS;
    const user = this.#userIn(headers);
    if (user === "") throw disconnect("badRequest", new Refused("no_credentials"));
    return { ...ANONYMOUS, user, source: "header" };
  }

  /**
   * The user that a proxy in front names; "" for none. A header that came more than once names none: a proxy that adds
   * its own behind the client's would let the client speak for it. Metadata is not what a proxy sets.
   */
  #userIn(headers: OpeningHeaders): string {
    if (this.#userHeader === "" || headers.kind !== "http") return "";
    const [user = "", ...others] = headers.valuesOf(this.#userHeader);
    return others.length === 0 ? user : "";
  }
}
