import { z } from "zod";
import { duration } from "../../config/duration.ts";
import { secretText } from "../../config/secret-text.ts";
import { entry, type ReportProblem, section, type Section } from "../../config/section.ts";

/** Which events of which channels a webhook gets; an empty text or list means all. */
export interface WebhookFilterConfig {
  readonly channel_prefix: string;
  readonly channel_suffix: string;
}

/** One endpoint that is told what happens in an app. */
export interface WebhookConfig {
  readonly url: string;
  readonly event_types: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  readonly filter: WebhookFilterConfig;
}

/** One app: who may connect to it, and what it allows. Limits of 0 are none. */
export interface PusherAppConfig {
  readonly id: string;
  readonly key: string;
  readonly secret: string;
  readonly enabled: boolean;
  readonly namespace: string;
  readonly default_event: string;
  readonly allowed_origins: readonly string[];
  readonly enable_client_messages: boolean;
  readonly enable_user_authentication: boolean;
  readonly enable_watchlist_events: boolean;
  readonly enable_subscription_count: boolean;
  readonly max_connections: number;
  readonly max_client_events_per_second: number;
  readonly decay_seconds: number;
  readonly terminate_on_limit: boolean;
  readonly max_backend_events_per_second: number;
  readonly max_read_requests_per_second: number;
  readonly max_presence_members_per_channel: number;
  readonly max_presence_member_size_in_kb: number;
  readonly max_channel_name_length: number;
  readonly max_event_channels_at_once: number;
  readonly max_event_name_length: number;
  readonly max_event_payload_in_kb: number;
  readonly max_event_batch_size: number;
  readonly webhooks: readonly WebhookConfig[];
}

/** So many requests of one client within so many seconds. */
export interface RateLimitConfig {
  readonly max_requests: number;
  readonly window_seconds: number;
}

/** Limits for each client address. */
export interface RateLimiterConfig {
  readonly enabled: boolean;
  readonly trust_hops: number;
  readonly websocket_rate_limit: RateLimitConfig;
  readonly api_rate_limit: RateLimitConfig;
}

/** How webhooks are delivered. */
export interface WebhookDeliveryConfig {
  readonly batch_delay: number;
  readonly batch_size: number;
  readonly request_timeout: number;
  readonly retry_min_delay: number;
  readonly retry_max_delay: number;
  readonly retry_timeout: number;
  readonly queue_max_events: number;
}

/** Section `pusher`: the Pusher Channels protocol. */
export interface PusherConfig {
  readonly enabled: boolean;
  readonly path_prefix: string;
  readonly activity_timeout: number;
  readonly pong_timeout: number;
  readonly user_authentication_timeout: number;
  readonly cache_ttl: number;
  readonly message_size_limit: number;
  readonly request_body_limit: number;
  readonly write_timeout: number;
  readonly max_channels_per_connection: number;
  readonly rate_limiter: RateLimiterConfig;
  readonly webhooks: WebhookDeliveryConfig;
  readonly apps: readonly PusherAppConfig[];
}

/** Kinds of events that webhooks tell of (docs/protocols/pusher.md §5). */
export const WEBHOOK_EVENTS = [
  "channel_occupied",
  "channel_vacated",
  "member_added",
  "member_removed",
  "client_event",
  "cache_miss",
  "subscription_count",
] as const;

/** Values that a header may have (RFC 9110 §5.5). */
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** A text that stands in a path as it is. */
const pathWord = z
  .string()
  .min(1)
  .regex(/^[^/?#%\s]*$/u, "cannot have spaces or any of / ? # %");

const count = (fallback: number) => z.int().min(0).default(fallback);

const webhookConfig: Section<WebhookConfig> = entry<WebhookConfig>(
  "An endpoint that is told what happens.",
  {
    url: z.url({ protocol: /^https?$/u, error: "must be an http or https URL" }).describe("Where to POST."),
    event_types: z
      .array(z.enum(WEBHOOK_EVENTS))
      .default([])
      .describe("Kinds of events it gets; none listed for all."),
    headers: z
      .record(z.string(), secretText().regex(HEADER_VALUE, "has characters that no header can have"))
      .default({})
      .describe("Sent along with each request."),
    filter: section<WebhookFilterConfig>("Which channels it is about.", {
      channel_prefix: z.string().default("").describe("What their names begin with; empty for anything."),
      channel_suffix: z.string().default("").describe("What their names end in; empty for anything."),
    }),
  },
  ({ headers }, report) => {
    for (const name of Object.keys(headers)) {
      if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/u.test(name)) report(["headers", name], "is no header name");
    }
  },
);

const appConfig: Section<PusherAppConfig> = entry<PusherAppConfig>(
  "An app: who may connect to it, and what it allows.",
  {
    id: pathWord.describe(
      "Names it in the paths of the HTTP API. Any text will do; Pusher's SDK for Python takes digits only.",
    ),
    key: pathWord.describe("Names it in the paths of connections and in signatures."),
    secret: secretText().min(1).describe("What signatures are made with.").meta({ isSecret: true }),
    enabled: z.boolean().default(true).describe("Off refuses connections with 4003 and requests with 403."),
    namespace: z
      .string()
      .default("")
      .describe(
        "Namespace of its channels: Pusher's `news` is `<namespace>:news` to the server API and to other clients; empty for the id. Where `channel.namespaces` has one of the name, its options hold too.",
      ),
    default_event: z
      .string()
      .min(1)
      .default("message")
      .describe("Event name of publications without the tag `event`."),
    allowed_origins: z
      .array(z.string())
      .default([])
      .describe("Origins that browsers may connect from, `*` for any part; empty for all."),
    enable_client_messages: z.boolean().default(false).describe("Lets clients send `client-` events."),
    enable_user_authentication: z
      .boolean()
      .default(false)
      .describe(
        "Ends connections that neither sign in nor join a private channel within `user_authentication_timeout`.",
      ),
    enable_watchlist_events: z
      .boolean()
      .default(false)
      .describe("Tells signed-in users which users of their watchlist are online."),
    enable_subscription_count: z
      .boolean()
      .default(false)
      .describe("Tells subscribers of a channel, other than presence channels, how many they are."),
    max_connections: count(0).describe("Connections at once; 0 for any number."),
    max_client_events_per_second: count(10).describe(
      "Client events that one connection may send within `decay_seconds`; 0 for any number.",
    ),
    decay_seconds: z.int().min(1).default(1).describe("Window of `max_client_events_per_second`, seconds."),
    terminate_on_limit: z
      .boolean()
      .default(false)
      .describe("Ends a connection that exceeds `max_client_events_per_second`."),
    max_backend_events_per_second: count(0).describe(
      "Events of the HTTP API a second, one for each channel; 0 for any number.",
    ),
    max_read_requests_per_second: count(0).describe("Reads of the HTTP API a second; 0 for any number."),
    max_presence_members_per_channel: count(100).describe("Users in one presence channel; 0 for any number."),
    max_presence_member_size_in_kb: count(2).describe(
      "KiB of what a presence channel knows of one user; 0 for any size.",
    ),
    max_channel_name_length: count(200).describe("Characters of a channel's name; 0 for any number."),
    max_event_channels_at_once: count(100).describe("Channels of one event; 0 for any number."),
    max_event_name_length: count(200).describe("Characters of an event's name; 0 for any number."),
    max_event_payload_in_kb: count(100).describe("KiB of an event's data; 0 for any size."),
    max_event_batch_size: count(10).describe("Events of one batch; 0 for any number."),
    webhooks: z.array(webhookConfig).default([]).describe("Endpoints that are told what happens."),
  },
);

const rateLimit = (what: string, maxRequests: number): Section<RateLimitConfig> =>
  section<RateLimitConfig>(what, {
    max_requests: z.int().min(1).default(maxRequests).describe("So many."),
    window_seconds: z.int().min(1).default(60).describe("Within so many seconds."),
  });

export const pusherConfig: Section<PusherConfig> = section<PusherConfig>(
  "The Pusher Channels protocol: WebSocket at `/app/<key>`, HTTP API at `/apps/<id>`.",
  {
    enabled: z.boolean().default(false).describe("Serves the protocol."),
    path_prefix: z
      .string()
      .overwrite(normalisePrefix)
      .regex(/^[^?#%\s]*$/u, "cannot have spaces or any of ? # %")
      .default("")
      .describe("Stands before `/app` and `/apps`: `/push` for `/push/app/<key>`."),
    activity_timeout: duration("120s").describe(
      "A connection that has been silent for so long is sent a PING frame and `pusher:ping`, either of which may be answered; clients are told to do the same.",
    ),
    pong_timeout: duration("30s").describe("How long the answer may take before the connection is ended."),
    user_authentication_timeout: duration("30s").describe(
      "How long connections may stay anonymous in apps with `enable_user_authentication`.",
    ),
    cache_ttl: duration("1h")
      .describe("How long cache channels keep their latest event.")
      .meta({ isReloadable: true }),
    message_size_limit: z
      .int()
      .min(1)
      .default(262_144)
      .describe("Bytes that a client's message may have; a larger one closes with 1009."),
    request_body_limit: z
      .int()
      .min(1)
      .default(10_485_760)
      .describe("Bytes that the body of a request to the HTTP API may have; a larger one is answered 413."),
    write_timeout: duration("1s").describe(
      "How long the network may take nothing of what waits before the connection is dropped; 0 or less for any time.",
    ),
    max_channels_per_connection: count(1000)
      .describe("Channels that one connection may listen to; 0 for any number.")
      .meta({ isReloadable: true }),
    rate_limiter: section<RateLimiterConfig>("Limits for each client address.", {
      enabled: z.boolean().default(false).describe("Enforces them; 429 is the answer beyond."),
      trust_hops: count(0).describe(
        "Proxies in front that add to `X-Forwarded-For`; 0 takes the address of the connection.",
      ),
      websocket_rate_limit: rateLimit("New connections.", 20),
      api_rate_limit: rateLimit("Requests to the HTTP API.", 100),
    }).meta({ isReloadable: true }),
    webhooks: section<WebhookDeliveryConfig>("How webhooks are delivered.", {
      batch_delay: duration("50ms").describe("How long events wait for others to go along."),
      batch_size: z.int().min(1).default(100).describe("Events of one request at most."),
      request_timeout: duration("10s").describe("How long an endpoint may take to answer."),
      retry_min_delay: duration("1s").describe("Wait before the first retry; doubles from one to the next."),
      retry_max_delay: duration("60s").describe("Longest wait between retries."),
      retry_timeout: duration("300s").describe("How long a request is tried before it is given up."),
      queue_max_events: z
        .int()
        .min(1)
        .default(10_000)
        .describe("Events that may wait for one endpoint; later ones are dropped."),
    }),
    apps: z.array(appConfig).default([]).describe("The apps.").meta({ isReloadable: true }),
  },
  (pusher, report) => {
    checkDurations(pusher, report);
    checkApps(pusher, report);
  },
);

/** Clients are told whole seconds, and take none for a fault. */
const ACTIVITY_TIMEOUT_MIN_MS = 1000;

function checkDurations(pusher: PusherConfig, report: ReportProblem): void {
  if (pusher.activity_timeout < ACTIVITY_TIMEOUT_MIN_MS) report(["activity_timeout"], "must be at least 1s");
  for (const name of ["pong_timeout", "user_authentication_timeout", "cache_ttl"] as const) {
    if (pusher[name] <= 0) report([name], "must be longer than 0");
  }
  const { webhooks } = pusher;
  for (const name of ["request_timeout", "retry_min_delay"] as const) {
    if (webhooks[name] <= 0) report(["webhooks", name], "must be longer than 0");
  }
  for (const name of ["batch_delay", "retry_timeout"] as const) {
    if (webhooks[name] < 0) report(["webhooks", name], "cannot be negative");
  }
  if (webhooks.retry_max_delay < webhooks.retry_min_delay) {
    report(["webhooks", "retry_max_delay"], "must be at least `retry_min_delay`");
  }
}

/** The prefix with one slash before each part: `/a/b` for `a/b/`, nothing for `/`. */
function normalisePrefix(prefix: string): string {
  const parts = prefix.split("/").filter((part) => part !== "");
  return parts.map((part) => `/${part}`).join("");
}

/** Apps are told apart by id, key and namespace. */
function checkApps({ apps }: PusherConfig, report: ReportProblem): void {
  const seen = { id: new Set<string>(), key: new Set<string>(), namespace: new Set<string>() };
  for (const [index, app] of apps.entries()) {
    const names = { id: app.id, key: app.key, namespace: namespaceOf(app) };
    if (!NAMESPACE.test(names.namespace)) {
      const rule = "a namespace has letters, digits and any of - _ .";
      report(["apps", index, "namespace"], app.namespace === "" ? `${rule}; the id has others` : rule);
    }
    for (const name of ["id", "key", "namespace"] as const) {
      if (seen[name].has(names[name])) report(["apps", index, name], "is that of another app too");
      seen[name].add(names[name]);
    }
  }
}

const NAMESPACE = /^[-\w.]+$/u;

/** Namespace of an app's channels in the core. */
export function namespaceOf({ id, namespace }: PusherAppConfig): string {
  return namespace === "" ? id : namespace;
}
