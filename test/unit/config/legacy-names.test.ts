import { expect, test } from "vitest";
import { loadConfig, parseConfig, type Config } from "../../../src/app/config.ts";

type Row = readonly [flat: string, written: unknown, read: (config: Config) => unknown, expected?: unknown];

/** Flat names of earlier versions, as docs/configuration.md has them. */
const ROWS: readonly Row[] = [
  ["uni_websocket", true, (c) => c.uni_websocket.enabled],
  ["uni_sse", true, (c) => c.uni_sse.enabled],
  ["uni_http_stream", true, (c) => c.uni_http_stream.enabled],
  ["uni_grpc", true, (c) => c.uni_grpc.enabled],
  ["uni_websocket_message_size_limit", 1, (c) => c.uni_websocket.message_size_limit],
  ["uni_websocket_compression", true, (c) => c.uni_websocket.compression],
  ["uni_websocket_compression_level", 2, (c) => c.uni_websocket.compression_level],
  ["uni_websocket_compression_min_size", 3, (c) => c.uni_websocket.compression_min_size],
  ["uni_websocket_read_buffer_size", 4, (c) => c.uni_websocket.read_buffer_size],
  ["uni_websocket_write_buffer_size", 5, (c) => c.uni_websocket.write_buffer_size],
  ["uni_websocket_use_write_buffer_pool", true, (c) => c.uni_websocket.use_write_buffer_pool],
  ["uni_websocket_write_timeout", "2s", (c) => c.uni_websocket.write_timeout, 2_000],
  ["uni_websocket_handler_prefix", "/ws", (c) => c.uni_websocket.handler_prefix],
  ["uni_sse_max_request_body_size", 6, (c) => c.uni_sse.max_request_body_size],
  ["uni_sse_handler_prefix", "/sse", (c) => c.uni_sse.handler_prefix],
  [
    "uni_sse_connect_code_to_http_response",
    { enabled: true },
    (c) => c.uni_sse.connect_code_to_http_response.enabled,
    true,
  ],
  ["uni_http_stream_max_request_body_size", 7, (c) => c.uni_http_stream.max_request_body_size],
  ["uni_http_stream_handler_prefix", "/hs", (c) => c.uni_http_stream.handler_prefix],
  [
    "uni_http_stream_connect_code_to_http_response",
    { enabled: true },
    (c) => c.uni_http_stream.connect_code_to_http_response.enabled,
    true,
  ],
  ["uni_grpc_address", "127.0.0.1", (c) => c.uni_grpc.address],
  ["uni_grpc_port", 11_001, (c) => c.uni_grpc.port],
  ["uni_grpc_max_receive_message_size", 8, (c) => c.uni_grpc.max_receive_message_size],
  ["uni_grpc_tls_cert", "cert.pem", (c) => c.uni_grpc.tls.cert_pem],
  ["uni_grpc_tls_key", "key.pem", (c) => c.uni_grpc.tls.key_pem],
  ["token_hmac_secret_key", "s", (c) => c.client.token.hmac_secret_key],
  ["token_hmac_previous_secret_key", "p", (c) => c.client.token.hmac_previous_secret_key],
  [
    "token_hmac_previous_secret_key_valid_until",
    9,
    (c) => c.client.token.hmac_previous_secret_key_valid_until,
  ],
  ["token_rsa_public_key", "r", (c) => c.client.token.rsa_public_key],
  ["token_ecdsa_public_key", "e", (c) => c.client.token.ecdsa_public_key],
  ["token_audience", "a", (c) => c.client.token.audience],
  ["token_audience_regex", "a.", (c) => c.client.token.audience_regex],
  ["token_issuer", "i", (c) => c.client.token.issuer],
  ["token_issuer_regex", "i.", (c) => c.client.token.issuer_regex],
  ["token_user_id_claim", "uid", (c) => c.client.token.user_id_claim],
  ["user_subscribe_to_personal", true, (c) => c.client.subscribe_to_user_personal_channel.enabled],
  [
    "user_personal_single_connection",
    true,
    (c) => c.client.subscribe_to_user_personal_channel.single_connection,
  ],
  ["allowed_origins", ["*"], (c) => c.client.allowed_origins],
  ["ping_interval", "30s", (c) => c.client.ping_interval, 30_000],
  ["pong_timeout", "3s", (c) => c.client.pong_timeout, 3_000],
  ["allow_anonymous_connect_without_token", true, (c) => c.client.allow_anonymous_connect_without_token],
  ["disallow_anonymous_connection_tokens", true, (c) => c.client.disallow_anonymous_connection_tokens],
  ["client_stale_close_delay", "4s", (c) => c.client.stale_close_delay, 4_000],
  ["client_expired_close_delay", "5s", (c) => c.client.expired_close_delay, 5_000],
  ["client_queue_max_size", 10, (c) => c.client.queue_max_size],
  ["client_channel_limit", 11, (c) => c.client.channel_limit],
  ["client_user_connection_limit", 12, (c) => c.client.user_connection_limit],
  ["client_connection_limit", 13, (c) => c.client.connection_limit],
  ["client_connection_rate_limit", 14, (c) => c.client.connection_rate_limit],
  ["client_connect_include_server_time", true, (c) => c.client.connect_include_server_time],
  ["client_insecure", true, (c) => c.client.insecure],
  ["client_insecure_skip_token_signature_verify", true, (c) => c.client.insecure_skip_token_signature_verify],
  ["client_user_id_http_header", "X-User", (c) => c.client.user_id_http_header],
  ["client_concurrency", 15, (c) => c.client.concurrency],
  ["global_history_meta_ttl", "800h", (c) => c.channel.history_meta_ttl, 2_880_000_000],
  ["address", "127.0.0.1", (c) => c.http_server.address],
  ["port", 8001, (c) => c.http_server.port],
  ["tls_cert", "cert.pem", (c) => c.http_server.tls.cert_pem],
  ["tls_key", "key.pem", (c) => c.http_server.tls.key_pem],
  ["api_key", "k", (c) => c.http_api.key],
  ["api_insecure", true, (c) => c.http_api.insecure],
  ["api_disable", true, (c) => c.http_api.disabled],
  ["api_handler_prefix", "/a", (c) => c.http_api.handler_prefix],
  ["api_error_mode", "transport", (c) => c.http_api.error_mode],
  ["grpc_api", true, (c) => c.grpc_api.enabled],
  ["grpc_api_reflection", true, (c) => c.grpc_api.reflection],
  ["grpc_api_address", "127.0.0.1", (c) => c.grpc_api.address],
  ["grpc_api_port", 10_001, (c) => c.grpc_api.port],
  ["grpc_api_key", "k", (c) => c.grpc_api.key],
  ["grpc_api_error_mode", "transport", (c) => c.grpc_api.error_mode],
  ["grpc_api_max_receive_message_size", 16, (c) => c.grpc_api.max_receive_message_size],
  ["grpc_api_tls_cert", "cert.pem", (c) => c.grpc_api.tls.cert_pem],
  ["grpc_api_tls_key", "key.pem", (c) => c.grpc_api.tls.key_pem],
  ["grpc_api_tls_client_ca", "ca.pem", (c) => c.grpc_api.tls.client_ca_pem],
  ["health", true, (c) => c.health.enabled],
  ["shutdown_timeout", "1m", (c) => c.shutdown.timeout, 60_000],
  ["log_level", "debug", (c) => c.log.level],
  ["log_file", "x.log", (c) => c.log.file],
  ["name", "n1", (c) => c.node.name],
  ["namespaces", [{ name: "n1" }], (c) => c.channel.namespaces[0]?.name, "n1"],
  ["channel_max_length", 17, (c) => c.channel.max_length],
  ["channel_private_prefix", "!", (c) => c.channel.private_prefix],
  ["allow_subscribe_for_client", true, (c) => c.channel.without_namespace.allow_subscribe_for_client],
  ["allow_subscribe_for_anonymous", true, (c) => c.channel.without_namespace.allow_subscribe_for_anonymous],
  ["allow_user_limited_channels", true, (c) => c.channel.without_namespace.allow_user_limited_channels],
  ["publication_data_format", "json", (c) => c.channel.without_namespace.publication_data_format],
];

for (const [flat, written, read, expected = written] of ROWS) {
  test(`${flat} in a file`, () => {
    const { config, warnings } = parseConfig({ [flat]: written });
    expect(read(config)).toEqual(expected);
    expect(warnings).toEqual([]);
  });
}

// Lists and objects are words or JSON there, which is tested elsewhere.
const SCALARS = ROWS.filter(([, written]) => typeof written !== "object");

for (const [flat, written, read, expected = written] of SCALARS) {
  test(`${flat} in the environment`, () => {
    const env = { [`CENTRIFUGO_${flat.toUpperCase()}`]: String(written) };
    const { config, warnings } = loadConfig({ env });
    expect(read(config)).toEqual(expected);
    expect(warnings).toEqual([]);
  });
}

test("TLS switches and personal namespaces by their flat names", () => {
  const pem = { uni_grpc_tls_cert: "c", uni_grpc_tls_key: "k" };
  expect(parseConfig({ uni_grpc_tls: true, ...pem }).config.uni_grpc.tls.enabled).toBe(true);
  const { config } = parseConfig({ namespaces: [{ name: "p1" }], user_personal_channel_namespace: "p1" });
  expect(config.client.subscribe_to_user_personal_channel.personal_channel_namespace).toBe("p1");
});

test("core 89: CENTRIFUGO_UNI_HTTP_STREAM=1 switches the transport on", () => {
  expect(loadConfig({ env: { CENTRIFUGO_UNI_HTTP_STREAM: "1" } }).config.uni_http_stream.enabled).toBe(true);
  const modern = loadConfig({ env: { CENTRIFUGO_UNI_HTTP_STREAM_ENABLED: "1" } });
  expect(modern.config.uni_http_stream.enabled).toBe(true);
});

test("the nested name wins over the flat one, wherever they stand in a source", () => {
  const { config, warnings } = parseConfig({
    token_hmac_secret_key: "old",
    client: { token: { hmac_secret_key: "new" }, ping_interval: "20s" },
    ping_interval: "30s",
  });
  expect(config.client.token.hmac_secret_key).toBe("new");
  expect(config.client.ping_interval).toBe(20_000);
  expect(warnings).toEqual([
    "`token_hmac_secret_key` is ignored: its current name is given too",
    "`ping_interval` is ignored: its current name is given too",
  ]);
  const env = { CENTRIFUGO_HTTP_API_KEY: "new", CENTRIFUGO_API_KEY: "old" };
  expect(loadConfig({ env }).config.http_api.key).toBe("new");
});

test("a flat and a nested name of the same section join", () => {
  const { config } = parseConfig({ uni_websocket_compression: true, uni_websocket: { enabled: true } });
  expect(config.uni_websocket).toMatchObject({ enabled: true, compression: true });
});
