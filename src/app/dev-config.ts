import { randomBytes } from "node:crypto";
import type { Tree } from "../config/tree.ts";
import { edgeDevDefaults } from "./edges.ts";

/** Secrets of a development server. */
export interface DevKeys {
  /** What connection tokens are signed with. */
  readonly tokenSecret: string;
  /** Key of the server API, over HTTP and gRPC. */
  readonly apiKey: string;
  /** Secret of the Pusher app. */
  readonly pusherSecret: string;
}

/** Where a development server listens unless told otherwise: what lets everything in is for this machine. */
export const DEV_ADDRESS = "127.0.0.1";

const OPEN_NAMESPACE = "pusher";

/** Secrets that nobody else has. */
export function createDevKeys(): DevKeys {
  return { tokenSecret: createSecret(), apiKey: createSecret(), pusherSecret: createSecret() };
}

/**
 * What `serve --dev` starts from instead of the defaults: everything on and everything allowed, on one address. File,
 * environment and flags still win.
 */
export function createDevDefaults(keys: DevKeys, address: string = DEV_ADDRESS): Tree {
  return {
    http_server: { address },
    client: {
      token: { hmac_secret_key: keys.tokenSecret },
      allowed_origins: ["*"],
      subscribe_to_user_personal_channel: { enabled: true },
    },
    channel: {
      without_namespace: { allow_subscribe_for_client: true },
      namespaces: [
        { name: OPEN_NAMESPACE, allow_subscribe_for_client: true, allow_subscribe_for_anonymous: true },
      ],
    },
    ...edgeDevDefaults({
      address,
      apiKey: keys.apiKey,
      pusherSecret: keys.pusherSecret,
      openNamespace: OPEN_NAMESPACE,
    }),
  };
}

function createSecret(): string {
  return randomBytes(18).toString("base64url");
}
