/** Why a token is refused. */
export type TokenRefusal =
  /** No JWT, or none that can be read: parts, base64, JSON, a header that demands the unknown. */
  | "token_malformed"
  /** A member of header or claims is of the wrong type, or a payload is not base64. */
  | "token_bad_claim"
  /** A subscription token where a connection token belongs, or the other way round. */
  | "token_wrong_kind"
  /** No key for the token's algorithm, or none with its `kid`. */
  | "token_unknown_key"
  | "token_bad_signature"
  | "token_wrong_audience"
  | "token_wrong_issuer"
  /** `exp` has passed. */
  | "token_expired"
  /** `nbf` is still to come. */
  | "token_not_yet_valid"
  /** The server API has made it void. */
  | "token_revoked"
  /** The key set cannot be had for now. */
  | "token_keys_unavailable";

/** Why a client is refused. */
export type ClientRefusal =
  | TokenRefusal
  | "no_credentials"
  | "bad_connect_request"
  | "origin_not_allowed"
  | "connection_limit"
  | "user_connection_limit"
  | "channel_limit"
  | "bidirectional_client"
  | "user_blocked"
  | "anonymous_token"
  | "pusher_unknown_key"
  | "pusher_app_disabled"
  | "pusher_origin_not_allowed"
  | "pusher_protocol_version"
  | "pusher_connection_quota"
  | "pusher_rate_limit"
  | "pusher_bad_sign_in";

/** Why a channel is not to be had. */
export type ChannelRefusal =
  | "unknown_namespace"
  | "channel_not_permitted"
  | "pusher_bad_signature"
  | "pusher_foreign_user"
  | "pusher_event_not_taken"
  | "pusher_bad_channel";

/** Why a call of a backend is refused. */
export type CallRefusal =
  | "api_key_missing"
  | "api_key_wrong"
  | "api_key_unset"
  | "bad_api_request"
  | "api_not_available"
  | "api_unknown_method"
  | "api_body_too_large"
  | "pusher_api_unauthorized"
  | "pusher_api_not_found"
  | "pusher_api_bad_request";

/** Why somebody was refused: stable codes for the log. */
export type RefusalReason = ClientRefusal | ChannelRefusal | CallRefusal;

/** What to change about it. */
const CLIENT_HINTS: Readonly<Record<ClientRefusal, string>> = {
  no_credentials: "send a token, or set `client.allow_anonymous_connect_without_token`",
  bad_connect_request: "the request must be the JSON or protobuf message of the protocol",
  origin_not_allowed: "add the page's origin to `client.allowed_origins`, scheme and port included",
  connection_limit: "`client.connection_limit` or `client.connection_rate_limit` is used up",
  user_connection_limit: "the user has `client.user_connection_limit` connections already",
  channel_limit: "ask for fewer channels, or raise `client.channel_limit`",
  bidirectional_client:
    "Centrifugo's bidirectional protocol is not served: switch on `uni_websocket`, `uni_sse` or `uni_http_stream`, and " +
    "connect there without an SDK",
  user_blocked: "`unblock_user` of the server API lets the user in again",
  anonymous_token: "name a user in the token, or unset `client.disallow_anonymous_connection_tokens`",
  token_malformed: "send a JWT as it was issued",
  token_bad_claim: "correct the claim where tokens are issued",
  token_wrong_kind: "connect with a connection token; one with the claim `channel` is for a subscription",
  token_unknown_key: "set the key for the token's algorithm and `kid` in `client.token`",
  token_bad_signature: "sign tokens with the key that `client.token` has",
  token_wrong_audience: "compare the claim `aud` with `client.token.audience` and `audience_regex`",
  token_wrong_issuer: "compare the claim `iss` with `client.token.issuer` and `issuer_regex`",
  token_expired:
    "have the client fetch a new token before it connects again; compare clocks, see `client.token.leeway`",
  token_not_yet_valid: "compare clocks with the machine that issues tokens, see `client.token.leeway`",
  token_revoked: "have the client fetch a new token; this one was made void by the server API",
  token_keys_unavailable: "see whether `client.token.jwks_public_endpoint` can be reached from here",
  pusher_unknown_key: "connect with the `key` of one of `pusher.apps`",
  pusher_app_disabled: "set `enabled` of the app in `pusher.apps`",
  pusher_origin_not_allowed: "add the page's origin to `allowed_origins` of the app in `pusher.apps`",
  pusher_protocol_version: "use a client library of today",
  pusher_connection_quota: "the app has `max_connections` connections already",
  pusher_rate_limit: "the address, or the app, makes more requests than `pusher` allows",
  pusher_bad_sign_in: "have the endpoint for user authentication sign with key and secret of the app",
};

const CHANNEL_HINTS: Readonly<Record<ChannelRefusal, string>> = {
  unknown_namespace:
    "add the namespace to `channel.namespaces`, correct the channel's name, or choose another " +
    "`channel.namespace_boundary`",
  channel_not_permitted:
    "set `allow_subscribe_for_client` in the channel's namespace, `allow_subscribe_for_anonymous` for clients " +
    "without user, or name the channel in the token",
  pusher_bad_signature: "have the endpoint for channel authorization sign with key and secret of the app",
  pusher_foreign_user: "clients listen to their own user's channel only, once they have signed in",
  pusher_event_not_taken:
    "compare `publication_data_format` of the app's namespace with what its clients send",
  pusher_bad_channel: "correct the channel's name",
};

const CALL_HINTS: Readonly<Record<CallRefusal, string>> = {
  api_key_missing: "send `http_api.key` in the header `X-API-Key`, over gRPC `authorization: apikey <key>`",
  api_key_wrong:
    "compare the key that the caller sends with `http_api.key` and `keys`, over gRPC with those of `grpc_api`",
  api_key_unset: "set `http_api.key`, or `http_api.keys`: without one every call is refused",
  bad_api_request: "correct the request as `detail` says",
  api_not_available: "switch on for the channel's namespace, or the server, what the method needs",
  api_unknown_method: "correct the name of the method",
  api_body_too_large: "send less at once, or raise `http_api.max_request_body_size`",
  pusher_api_unauthorized: "give the SDK id, key and secret of one of `pusher.apps`; compare both clocks",
  pusher_api_not_found: "compare app id and path with `pusher.apps` and `pusher.path_prefix`",
  pusher_api_bad_request: "correct the request as `detail` says",
};

/**
 * Cause of an error or a disconnect that is a refusal; what it says is for the log, and repeats nothing of a token's
 * text.
 */
export class Refused extends Error {
  override readonly name = "Refused";
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason, detail = "", cause?: unknown) {
    super(detail, cause === undefined ? undefined : { cause });
    this.reason = reason;
  }
}

/** The refusal behind an error or a disconnect; undefined where it is none. */
export function refusalOf({ cause }: Error): Refused | undefined {
  return cause instanceof Refused ? cause : undefined;
}

/** Whether a text is one of the reasons. */
export function isRefusalReason(text: string): text is RefusalReason {
  return [CLIENT_HINTS, CHANNEL_HINTS, CALL_HINTS].some((hints) => Object.hasOwn(hints, text));
}

/** Message and hint of a refusal in the log: what has happened to whoever was refused, and what to change about it. */
export function explainRefusal(reason: RefusalReason): { readonly message: string; readonly hint: string } {
  if (reason in CALL_HINTS) return { message: "api call refused", hint: CALL_HINTS[reason as CallRefusal] };
  if (reason in CHANNEL_HINTS)
    return { message: "channel refused", hint: CHANNEL_HINTS[reason as ChannelRefusal] };
  return { message: "client refused", hint: CLIENT_HINTS[reason as ClientRefusal] };
}
