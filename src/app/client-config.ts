import { z } from "zod";
import { duration } from "../config/duration.ts";
import { section, type Section } from "../config/section.ts";
import { codeTransforms, type CodeTransformsConfig } from "../config/sections/code-transforms.ts";
import { subscriptionTokenConfig, tokenConfig } from "../auth/config.ts";
import type { ConnectAuthenticatorOptions } from "../auth/connect-authenticator.ts";
import type { DisconnectTarget } from "../auth/connect-failure.ts";
import type { ClientTokenOptions } from "../auth/token-verifier.ts";

/** The channel that every user has. */
export interface PersonalChannelConfig {
  readonly enabled: boolean;
  readonly personal_channel_namespace: string;
  readonly single_connection: boolean;
}

/** Who may connect, and how their connections are kept. */
export interface ClientConfig extends ConnectAuthenticatorOptions, ClientTokenOptions {
  readonly allowed_origins: readonly string[];
  readonly subscribe_to_user_personal_channel: PersonalChannelConfig;
  readonly ping_interval: number;
  readonly pong_timeout: number;
  readonly stale_close_delay: number;
  readonly expired_close_delay: number;
  readonly expired_sub_close_delay: number;
  readonly presence_update_interval: number;
  readonly channel_position_check_delay: number;
  readonly recovery_max_publication_limit: number;
  readonly queue_max_size: number;
  readonly channel_limit: number;
  readonly user_connection_limit: number;
  readonly connection_limit: number;
  readonly connection_rate_limit: number;
  readonly connect_include_server_time: boolean;
  readonly connect_code_to_unidirectional_disconnect: CodeTransformsConfig<DisconnectTarget>;
  readonly concurrency: number;
}

const personalChannelConfig: Section<PersonalChannelConfig> = section<PersonalChannelConfig>(
  "The channel `#<user id>` that every user has.",
  {
    enabled: z
      .boolean()
      .default(false)
      .describe("Subscribes every connection that has a user id to the user's own channel.")
      .meta({ formerly: ["user_subscribe_to_personal"] }),
    personal_channel_namespace: z
      .string()
      .default("")
      .describe("Namespace of that channel, which must exist; empty for none.")
      .meta({ formerly: ["user_personal_channel_namespace"] }),
    single_connection: z
      .boolean()
      .default(false)
      .describe("Closes the user's other connections with code 3504 when a new one is made.")
      .meta({ formerly: ["user_personal_single_connection"] }),
  },
).meta({ isReloadable: true });

export const clientConfig: Section<ClientConfig> = section<ClientConfig>(
  "Who may connect, and how their connections are kept.",
  {
    allowed_origins: z
      .array(z.string())
      .default([])
      .describe(
        "Web pages that may connect: globs over the lower-cased `Origin` header, or `*` alone for all. " +
          "Requests without that header are not from web pages and always pass.",
      )
      .meta({ formerly: ["allowed_origins"] }),
    token: tokenConfig,
    subscription_token: subscriptionTokenConfig,
    allow_anonymous_connect_without_token: z
      .boolean()
      .default(false)
      .describe("Accepts connections without token, with an empty user id.")
      .meta({ isReloadable: true, formerly: ["allow_anonymous_connect_without_token"] }),
    disallow_anonymous_connection_tokens: z
      .boolean()
      .default(false)
      .describe("Refuses tokens without user id, with code 3507.")
      .meta({ isReloadable: true, formerly: ["disallow_anonymous_connection_tokens"] }),
    user_id_http_header: z
      .string()
      .default("")
      .describe(
        "Header of requests to `uni_websocket`, `uni_sse` and `uni_http_stream` that holds the user id, set there once by a " +
          "trusted proxy in front; empty for none. Not read in metadata of gRPC.",
      )
      .meta({ isReloadable: true }),
    insecure: z
      .boolean()
      .default(false)
      .describe("For development: no token needed, all channels but private ones open, expiry ignored.")
      .meta({ isReloadable: true }),
    insecure_skip_token_signature_verify: z
      .boolean()
      .default(false)
      .describe("For development: believes tokens without looking at the signature; times still count.")
      .meta({ isReloadable: true }),
    subscribe_to_user_personal_channel: personalChannelConfig,
    ping_interval: duration("25s")
      .describe("Time between pings; 0 or less for none. Must be longer than `pong_timeout`.")
      .meta({ formerly: ["ping_interval"] }),
    pong_timeout: duration("8s")
      .describe("How long a WebSocket client may take to answer a ping frame; 0 or less for any time.")
      .meta({ formerly: ["pong_timeout"] }),
    stale_close_delay: duration("10s").describe(
      "How long a connection may stay open without connecting; then it ends with code 3502, or 3004 where the server " +
        "takes so long. 0 or less for any time.",
    ),
    expired_close_delay: duration("25s").describe(
      "Grace for a connection after its expiry; then it ends with code 3005.",
    ),
    expired_sub_close_delay: duration("25s").describe(
      "Grace for a subscription after its expiry; then its connection ends with code 3006.",
    ),
    presence_update_interval: duration("27s").describe(
      "How often a connection's subscriptions are looked after: presence, expiry, position. 0 or less for never.",
    ),
    channel_position_check_delay: duration("40s").describe(
      "Age at which the position of a quiet subscription is compared with the channel's; one that differs ends " +
        "the connection with code 3010. 0 or less for never.",
    ),
    recovery_max_publication_limit: z
      .int()
      .default(300)
      .describe(
        "Publications that a returning subscriber may have missed; beyond, it is not recovered. Negative for any number.",
      ),
    queue_max_size: z
      .int()
      .default(1_048_576)
      .describe(
        "Bytes that may wait for a slow connection; beyond it ends with code 3008. 0 or less for no limit.",
      ),
    channel_limit: z
      .int()
      .default(128)
      .describe("Channels of one connection; more end it with code 3505. 0 or less for no limit.")
      .meta({ isReloadable: true }),
    user_connection_limit: z
      .int()
      .default(0)
      .describe(
        "Connections of one user to this node; one more is refused with code 3504. 0 or less for no limit.",
      )
      .meta({ isReloadable: true }),
    connection_limit: z
      .int()
      .default(0)
      .describe("Connections to this node; one more is refused with HTTP status 503. 0 or less for no limit.")
      .meta({ isReloadable: true }),
    connection_rate_limit: z
      .int()
      .default(0)
      .describe(
        "New connections a second to this node; more are refused with status 503. 0 or less for no limit.",
      )
      .meta({ isReloadable: true }),
    connect_include_server_time: z
      .boolean()
      .default(false)
      .describe("Adds the server's time, in Unix milliseconds, to the connect push.")
      .meta({ isReloadable: true }),
    connect_code_to_unidirectional_disconnect: codeTransforms<DisconnectTarget>(
      "Which disconnect a unidirectional client gets in place of a connect error.",
      {
        code: z.int().min(3_000).max(4_999).describe("Disconnect code, 3000 to 4999."),
        reason: z.string().default("").describe("Disconnect reason."),
      },
    ).meta({ isReloadable: true }),
    concurrency: z.int().default(0).describe("Accepted for compatibility; has no effect."),
  },
  (client, report) => {
    const pings = client.ping_interval > 0 && client.pong_timeout > 0;
    if (pings && client.ping_interval <= client.pong_timeout) {
      report(["ping_interval"], "must be longer than `client.pong_timeout`");
    }
  },
);
