import { hasTokenKey } from "../auth/config.ts";
import { firstApiKey } from "../api/config.ts";
import type { Config } from "./config.ts";
import { listTransports } from "./edges.ts";

/** What a configuration is likely to lack that is valid and to be served: sentences for its owner. */
export function adviseStart(config: Config): readonly string[] {
  return [adviseTransports(config), adviseTokens(config), adviseApi(config), adviseGrpcApi(config)].filter(
    (advice) => advice !== undefined,
  );
}

function adviseTransports(config: Config): string | undefined {
  if (listTransports(config).length > 0) return undefined;
  return "no transport is enabled, so nobody can listen: enable uni_websocket, uni_sse, uni_http_stream, uni_grpc or pusher";
}

/** Clients of Pusher's protocol need none. */
function adviseTokens(config: Config): string | undefined {
  const { client } = config;
  const knowsClients =
    hasTokenKey(client.token) ||
    client.user_id_http_header !== "" ||
    client.allow_anonymous_connect_without_token ||
    client.insecure ||
    client.insecure_skip_token_signature_verify;
  const needsOne = listTransports(config).some((name) => name !== "pusher");
  if (!needsOne || knowsClients) return undefined;
  return "client.token has no key, so every client is refused: set client.token.hmac_secret_key, or another key of that section";
}

/** Publications may come by other doors. */
function adviseApi({ http_api: api, grpc_api: grpc, pusher }: Config): string | undefined {
  if (api.disabled || api.insecure || firstApiKey(api) !== "" || grpc.enabled || pusher.enabled)
    return undefined;
  return "http_api.key is empty, so every call of the server API is refused: set it, or disable http_api";
}

function adviseGrpcApi({ grpc_api: api }: Config): string | undefined {
  if (!api.enabled || firstApiKey(api) !== "") return undefined;
  return `grpc_api.key is empty, so whoever reaches port ${api.port} may call the server API: set it`;
}
