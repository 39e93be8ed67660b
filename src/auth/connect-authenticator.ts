import type { CredentialSource } from "../core/credentials.ts";
import { disconnect } from "../core/disconnect.ts";
import { NO_LABELS } from "../core/label-filter.ts";
import { Refused } from "../core/refusal.ts";
import type { ConnectionToken, TokenVerifier } from "../core/token-verifier.ts";
import type { HeaderReader } from "../core/uni-protocol.ts";

/** Who a client is, and what vouches for it. */
export interface Credentials extends ConnectionToken {
  /** A user named by a header has no personal channel, and the channels it asks for are ignored. */
  readonly source: CredentialSource;
}

/** What a client brings along to be let in. */
export interface ConnectAttempt {
  /** JWT; "" when none was sent. */
  readonly token: string;
  /** Headers of the request; always undefined on transports that have none. */
  readonly header: HeaderReader;
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

const NOBODY: ConnectionToken = {
  user: "",
  expireAtSec: undefined,
  info: undefined,
  meta: undefined,
  labels: NO_LABELS,
  subscriptions: new Map(),
  tokenId: "",
  issuedAtSec: 0,
};
const ANONYMOUS: Credentials = { ...NOBODY, source: "anonymous" };

/**
 * Finds out who a client is (docs/protocols/channels.md §1.5): its token decides, then whether anybody may come in,
 * then a header.
 *
 * A connect proxy stands between the first two.
 */
export class ConnectAuthenticator {
  readonly #options: ConnectAuthenticatorOptions;
  readonly #verifier: TokenVerifier;
  /** Lower case, as header readers want it. */
  readonly #userHeader: string;

  constructor(options: ConnectAuthenticatorOptions, verifier: TokenVerifier) {
    this.#options = options;
    this.#verifier = verifier;
    this.#userHeader = options.user_id_http_header.toLowerCase();
  }

  /**
   * Resolves to credentials that may have expired already.
   *
   * Rejects with Disconnect 3500 for an invalid token, 3507 for one without user where that is not allowed,
   * 3501 without any credentials, and with ClientError 109 for an expired token.
   */
  async authenticate(attempt: ConnectAttempt): Promise<Credentials> {
    const credentials =
      (await this.#byToken(attempt.token)) ?? this.#byPermission() ?? this.#byHeader(attempt.header);
    if (credentials === undefined) throw disconnect("badRequest", new Refused("no_credentials"));
    return credentials;
  }

  async #byToken(text: string): Promise<Credentials | undefined> {
    if (text === "") return undefined;
    const { insecure, disallow_anonymous_connection_tokens: disallowAnonymous } = this.#options;
    const token = await this.#verifier.verifyConnection(text);
    if (token.user === "" && disallowAnonymous)
      throw disconnect("permissionDenied", new Refused("anonymous_token"));
    return { ...token, expireAtSec: insecure ? undefined : token.expireAtSec, source: "token" };
  }

  #byPermission(): Credentials | undefined {
    const { insecure, allow_anonymous_connect_without_token: allowAnonymous } = this.#options;
    return allowAnonymous || insecure ? ANONYMOUS : undefined;
  }

  #byHeader(header: HeaderReader): Credentials | undefined {
    const user = this.#userHeader === "" ? undefined : header(this.#userHeader);
    return user === undefined || user === "" ? undefined : { ...NOBODY, user, source: "header" };
  }
}
