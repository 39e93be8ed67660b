import { randomBytes } from "node:crypto";
import type { Tree } from "../config/tree.ts";

const PUSHER_NAMESPACE = "pusher";

/**
 * What `serve --dev` starts from instead of the defaults: everything on, everything allowed, and keys that are
 * good for one run. File, environment and flags still win.
 */
export function createDevDefaults(): Tree {
  const apiKey = createSecret();
  return {
    client: {
      token: { hmac_secret_key: createSecret() },
      allowed_origins: ["*"],
      subscribe_to_user_personal_channel: { enabled: true },
    },
    channel: {
      without_namespace: { allow_subscribe_for_client: true },
      namespaces: [
        { name: PUSHER_NAMESPACE, allow_subscribe_for_client: true, allow_subscribe_for_anonymous: true },
      ],
    },
    uni_websocket: { enabled: true },
    uni_sse: { enabled: true },
    uni_http_stream: { enabled: true },
    uni_grpc: { enabled: true, reflection: true },
    pusher: {
      enabled: true,
      apps: [
        {
          // Pusher's SDK for Python takes digits only.
          id: "1001",
          key: "app-key",
          secret: createSecret(),
          namespace: PUSHER_NAMESPACE,
          enable_client_messages: true,
        },
      ],
    },
    http_api: { key: apiKey },
    grpc_api: { enabled: true, reflection: true, key: apiKey },
    health: { enabled: true },
  };
}

function createSecret(): string {
  return randomBytes(18).toString("base64url");
}
