import { parseDuration } from "./duration.ts";
import type { ListOutline, Outline, SectionOutline, ValueKind, ValueOutline } from "./outline.ts";

type Members = Readonly<Record<string, Outline>>;

/** An option that asks for something unless it is off, or at its default there. */
function asks(defaultValue: boolean | number | string): ValueOutline {
  return { ...quiet, kind: kindOf(defaultValue), default: defaultValue };
}

function kindOf(value: boolean | number | string): ValueKind {
  if (typeof value === "boolean") return "boolean";
  if (typeof value === "number") return "integer";
  return parseDuration(value) === undefined ? "text" : "duration";
}

/** An option that by itself asks for nothing: part of something that another option switches on, or mere tuning. */
const quiet: ValueOutline = {
  type: "value",
  kind: "text",
  description: "",
  formerly: [],
  isReloadable: false,
  default: undefined,
  choices: [],
  isSecret: false,
  formerWord: undefined,
};

/** The same, but it switches the rest of its section on or off. */
const quietSwitch: ValueOutline = { ...quiet, kind: "boolean" };

function quietly(names: string): Members {
  return Object.fromEntries(names.split(" ").map((name) => [name, quiet]));
}

function section(members: Members, formerPrefix?: string): SectionOutline {
  return {
    type: "section",
    description: "",
    formerly: [],
    isReloadable: false,
    members: new Map(Object.entries(members)),
    formerPrefix,
  };
}

function listOf(members: Members): ListOutline {
  return { type: "list", description: "", formerly: [], isReloadable: false, entry: section(members) };
}

/** A section that does nothing unless it is `enabled`. */
function switched(names = "handler_prefix", more: Members = {}): SectionOutline {
  return section({ enabled: asks(false), ...quietly(names), ...more });
}

const TLS = section(
  quietly("enabled cert_pem key_pem server_ca_pem client_ca_pem insecure_skip_verify server_name"),
);

/** Of a listener: what only counts where TLS is dialled. */
const LISTENER_TLS = section(quietly("server_ca_pem insecure_skip_verify server_name"));

const REDIS: Members = {
  ...quietly("prefix address connect_timeout io_timeout db user password client_name force_resp2"),
  ...quietly("cluster_address sentinel_address sentinel_user sentinel_password sentinel_master_name"),
  ...quietly("sentinel_client_name"),
  tls: TLS,
  sentinel_tls: TLS,
  replica_client: section(quietly("enabled")),
};
const REDIS_BROKER: Members = { ...REDIS, ...quietly("history_use_lists") };
const REDIS_PRESENCE: Members = {
  ...REDIS,
  ...quietly("presence_ttl presence_hash_field_ttl presence_user_mapping"),
};

const NATS = section(
  {
    ...quietly("prefix url dial_timeout write_timeout allow_wildcards"),
    tls: TLS,
    raw_mode: section(quietly("enabled channel_replacements prefix")),
  },
  "nats",
);

const POSTGRES: Members = {
  ...quietly("dsn pool_size num_shards cleanup_interval idempotent_result_ttl binary_data"),
  ...quietly("stream_retention use_notify notify_dsn table_prefix skip_schema_init"),
  ...quietly("partition_lookahead_days partition_retention_days"),
  tls: TLS,
  outbox: section(quietly("poll_interval batch_size")),
};

const PROXY: Members = {
  ...quietly("endpoint timeout http_headers grpc_metadata emulated_headers binary_encoding"),
  ...quietly("include_connection_meta"),
  http: section({ ...quietly("static_headers status_to_code_transforms"), tls: TLS }),
  grpc: section({
    ...quietly("credentials_key credentials_value compression static_metadata"),
    tls: TLS,
  }),
};
/** A proxy that there is as soon as it has an address. */
const PROXY_BY_ENDPOINT: Members = { ...PROXY, endpoint: asks("") };

const CHANNEL: Members = {
  allow_positioning: asks(false),
  allow_recovery: asks(false),
  allow_tags_filter: asks(false),
  allow_publish_for_anonymous: asks(false),
  allow_publish_for_client: asks(false),
  allow_publish_for_subscriber: asks(false),
  allow_presence_for_anonymous: asks(false),
  allow_presence_for_client: asks(false),
  allow_presence_for_subscriber: asks(false),
  allow_history_for_anonymous: asks(false),
  allow_history_for_client: asks(false),
  allow_history_for_subscriber: asks(false),
  subscribe_proxy_enabled: asks(false),
  publish_proxy_enabled: asks(false),
  sub_refresh_proxy_enabled: asks(false),
  subscribe_stream_proxy_enabled: asks(false),
  map_clients_presence_channel_prefix: asks(""),
  map_users_presence_channel_prefix: asks(""),
  subscription_type: asks("stream"),
  ...quietly("subscribe_proxy_name publish_proxy_name sub_refresh_proxy_name subscribe_stream_proxy_name"),
  ...quietly("subscribe_stream_proxy_bidirectional"),
  map: section({
    ...quietly("mode key_ttl stream_size stream_ttl meta_ttl remove_client_on_unsubscribe client_key"),
    ...quietly("allow_publish_for_client allow_publish_for_subscriber allow_publish_for_anonymous"),
    ...quietly("allow_remove_for_client allow_remove_for_subscriber allow_remove_for_anonymous"),
    ...quietly("publish_proxy_enabled publish_proxy_name remove_proxy_enabled remove_proxy_name"),
    ...quietly("default_page_size min_page_size max_page_size live_transition_max_publication_limit"),
    ...quietly("subscribe_catch_up_timeout"),
  }),
  shared_poll: section({
    ...quietly("proxy_name refresh_interval refresh_batch_size max_keys_per_connection mode"),
    ...quietly("channel_shutdown_delay track_expired_extra_delay publish_enabled"),
  }),
  // Their names in version 5.
  proxy_subscribe: asks(false),
  proxy_publish: asks(false),
  proxy_sub_refresh: asks(false),
  proxy_subscribe_stream: asks(false),
};

function publicationMode(member: string, tagsPrefix: string): SectionOutline {
  const names = ["channels", "idempotency_key", "delta", "version", "version_epoch"];
  return section(quietly(["enabled", tagsPrefix, ...names.map((name) => `${name}_${member}`)].join(" ")));
}

const CONSUMER: Members = {
  enabled: asks(false),
  ...quietly("name type"),
  postgresql: section({
    ...quietly("dsn outbox_table_name num_partitions partition_select_limit partition_poll_interval"),
    ...quietly("partition_notification_channel partition_notification_dsn use_try_lock"),
    tls: TLS,
  }),
  kafka: section({
    ...quietly("brokers topics consumer_group max_poll_records fetch_max_bytes fetch_max_wait"),
    ...quietly("fetch_read_uncommitted partition_queue_max_size dial_timeout sasl_mechanism sasl_user"),
    ...quietly("sasl_password assume_role_arn instance_id method_header"),
    tls: TLS,
    publication_data_mode: publicationMode("header", "tags_header_prefix"),
  }),
  nats_jetstream: section({
    ...quietly("url credentials_file username password token stream_name use_existing_consumer subjects"),
    ...quietly("durable_consumer_name deliver_policy max_ack_pending method_header"),
    tls: TLS,
    publication_data_mode: publicationMode("header", "tags_header_prefix"),
  }),
  redis_stream: section({
    ...REDIS,
    ...quietly("streams consumer_group visibility_timeout num_workers payload_value method_value"),
    publication_data_mode: publicationMode("value", "tags_value_prefix"),
  }),
  google_pub_sub: section({
    ...quietly("project_id subscriptions max_outstanding_messages max_outstanding_bytes auth_mechanism"),
    ...quietly("credentials_file method_attribute"),
    publication_data_mode: publicationMode("attribute", "tags_attribute_prefix"),
  }),
  aws_sqs: section({
    ...quietly("queues sns_envelope region max_number_of_messages wait_time_time visibility_timeout"),
    ...quietly("max_concurrency credentials_profile assume_role_arn method_attribute localstack_endpoint"),
    publication_data_mode: publicationMode("attribute", "tags_attribute_prefix"),
  }),
  azure_service_bus: section({
    ...quietly("connection_string use_azure_identity fully_qualified_namespace tenant_id client_id"),
    ...quietly("client_secret queues use_sessions max_concurrent_calls max_receive_messages"),
    ...quietly("method_property"),
    publication_data_mode: publicationMode("property", "tags_property_prefix"),
  }),
};

/** Flat names of version 5 that became something else. */
const VERSION_5: Members = {
  proxy_connect_endpoint: asks(""),
  proxy_refresh_endpoint: asks(""),
  proxy_rpc_endpoint: asks(""),
  connect_proxy_name: asks(""),
  refresh_proxy_name: asks(""),
  rpc_proxy_name: asks(""),
  granular_proxy_mode: asks(false),
  sockjs: asks(false),
  http3: asks(false),
  rpc_ping: asks(false),
  ...quietly("proxy_subscribe_endpoint proxy_publish_endpoint proxy_sub_refresh_endpoint"),
  ...quietly("proxy_subscribe_stream_endpoint proxy_connect_timeout proxy_rpc_timeout proxy_refresh_timeout"),
  ...quietly("proxy_subscribe_timeout proxy_publish_timeout proxy_sub_refresh_timeout"),
  ...quietly("proxy_subscribe_stream_timeout proxy_http_status_code_transforms proxy_grpc_metadata"),
  ...quietly("proxy_http_headers proxy_static_http_headers proxy_binary_encoding"),
  ...quietly("proxy_include_connection_meta proxy_grpc_cert_file proxy_grpc_compression proxy_grpc_tls"),
  ...quietly("proxy_grpc_credentials_key proxy_grpc_credentials_value"),
  ...quietly("sockjs_url sockjs_handler_prefix rpc_ping_method gomaxprocs shutdown_termination_delay"),
  ...quietly("global_presence_ttl global_redis_presence_user_mapping redis_presence_hash_field_ttl"),
  ...quietly("tarantool_mode tarantool_address tarantool_user tarantool_password"),
  ...quietly(
    "tls_root_ca tls_root_ca_pem grpc_api_tls_root_ca grpc_api_tls_root_ca_pem uni_grpc_tls_root_ca",
  ),
  ...quietly("uni_grpc_tls_root_ca_pem grpc_api_tls_disable uni_grpc_tls_disable"),
};

/** Options of Centrifugo 6.9 and flat ones of its version 5 that Millrace does not have, as an outline of their schema. */
export const UPSTREAM_OPTIONS: SectionOutline = section({
  http_server: section({
    tls: LISTENER_TLS,
    tls_autocert: switched("host_whitelist cache_dir email server_name http http_addr"),
    internal_tls: LISTENER_TLS,
    http3: section({ enabled: asks(false) }),
    h2c_external: asks(false),
  }),
  engine: section({
    type: asks("memory"),
    redis: section({ ...REDIS_BROKER, ...REDIS_PRESENCE }, "redis"),
  }),
  broker: section({
    enabled: quietSwitch,
    type: asks("memory"),
    redis: section(REDIS_BROKER),
    nats: NATS,
    postgres: section(POSTGRES),
    redisnats: section({ redis: section(REDIS_BROKER), nats: NATS }),
  }),
  presence_manager: section({ enabled: quietSwitch, type: asks("memory"), redis: section(REDIS_PRESENCE) }),
  map_broker: section({
    type: asks("memory"),
    redis: section({
      ...REDIS,
      ...quietly("cleanup_interval cleanup_batch_size idempotent_result_ttl skip_pub_sub"),
    }),
    postgres: section({ ...POSTGRES, ...quietly("ttl_check_interval") }),
  }),
  controller: switched("type", {
    postgres: section({
      ...POSTGRES,
      ...quietly("poll_interval partition_cleanup_interval batch_size"),
    }),
  }),
  shared_poll: section(
    quietly(
      "hmac_secret_key hmac_previous_secret_key hmac_previous_secret_key_valid_until concurrency_limit",
    ),
  ),
  client: section({
    proxy: section({
      connect: section({ enabled: asks(false), ...PROXY }),
      refresh: section({ enabled: asks(false), ...PROXY }),
    }),
    channel_position_max_time_lag: asks("0s"),
    history_max_publication_limit: quiet,
  }),
  channel: section({
    proxy: section({
      subscribe: section(PROXY_BY_ENDPOINT),
      publish: section(PROXY_BY_ENDPOINT),
      sub_refresh: section(PROXY_BY_ENDPOINT),
      subscribe_stream: section(PROXY_BY_ENDPOINT),
      map_publish: section(PROXY_BY_ENDPOINT),
      map_remove: section(PROXY_BY_ENDPOINT),
      shared_poll_refresh: section(PROXY_BY_ENDPOINT),
    }),
    without_namespace: section(CHANNEL),
    namespaces: listOf(CHANNEL),
  }),
  rpc: section({
    proxy: section(PROXY_BY_ENDPOINT),
    without_namespace: section({ proxy_enabled: asks(false), ...quietly("proxy_name") }),
    namespaces: listOf({ proxy_enabled: asks(false), ...quietly("name proxy_name") }),
    ping: switched("method"),
    namespace_boundary: quiet,
  }),
  proxies: listOf({ ...PROXY_BY_ENDPOINT, name: quiet }),
  consumers: listOf(CONSUMER),
  grpc_api: section({ tls: LISTENER_TLS }),
  uni_grpc: section({ tls: LISTENER_TLS }),
  websocket: section({
    disabled: { ...quietSwitch, formerWord: "disable" },
    handler_prefix: asks("/connection/websocket"),
    compression: asks(false),
    compression_min_size: asks(0),
    compression_level: asks(1),
    write_timeout: asks("1s"),
    message_size_limit: asks(65_536),
    decompressed_message_size_limit: asks(0),
    ...quietly("read_buffer_size write_buffer_size use_write_buffer_pool"),
  }),
  sse: switched("handler_prefix max_request_body_size"),
  http_stream: switched("handler_prefix max_request_body_size"),
  webtransport: switched("handler_prefix message_size_limit"),
  emulation: section(quietly("handler_prefix max_request_body_size")),
  admin: switched("handler_prefix password secret web_path web_proxy_address", {
    insecure: quietSwitch,
    external: quietSwitch,
  }),
  prometheus: switched(
    "handler_prefix instrument_http_handlers recovered_publications_histogram native_histograms",
  ),
  swagger: switched(),
  debug: switched(),
  init: switched(),
  opentelemetry: switched("api consuming google_cloud_adc_auth"),
  graphite: switched("host port prefix interval tags"),
  usage_stats: section({ disabled: { ...quiet, formerWord: "disable" } }),
  node: section(quietly("info_metrics_aggregate_interval")),
  enable_unreleased_features: asks(false),
  // Of its PRO edition, as far as Millrace has the feature.
  user_status: section({ redis: section({ ...REDIS, address: asks("") }) }),
  user_block: section({ storage_type: asks("memory") }),
  token_revoke: section({ storage_type: asks("memory") }),
  user_tokens_invalidate: section({ storage_type: asks("memory") }),
  ...VERSION_5,
});
