import { parseEnv } from "node:util";
import { setAt, type Tree } from "../../config/tree.ts";

/** Variables that Laravel Reverb's config/reverb.php reads as it comes, and where they stand in it. */
const VARIABLES: Readonly<Record<string, string>> = {
  REVERB_SERVER: "default",
  REVERB_SERVER_HOST: "servers.reverb.host",
  REVERB_SERVER_PORT: "servers.reverb.port",
  REVERB_SERVER_PATH: "servers.reverb.path",
  REVERB_MAX_REQUEST_SIZE: "servers.reverb.max_request_size",
  REVERB_SCALING_ENABLED: "servers.reverb.scaling.enabled",
  REVERB_SCALING_CHANNEL: "servers.reverb.scaling.channel",
  REVERB_PULSE_INGEST_INTERVAL: "servers.reverb.pulse_ingest_interval",
  REVERB_TELESCOPE_INGEST_INTERVAL: "servers.reverb.telescope_ingest_interval",
};

/** The same for its one app. */
const APP_VARIABLES: Readonly<Record<string, string>> = {
  REVERB_HOST: "options.host",
  REVERB_PORT: "options.port",
  REVERB_SCHEME: "options.scheme",
  REVERB_APP_ID: "app_id",
  REVERB_APP_KEY: "key",
  REVERB_APP_SECRET: "secret",
  REVERB_APP_PING_INTERVAL: "ping_interval",
  REVERB_APP_ACTIVITY_TIMEOUT: "activity_timeout",
  REVERB_APP_MAX_CONNECTIONS: "max_connections",
  REVERB_APP_MAX_MESSAGE_SIZE: "max_message_size",
  REVERB_APP_ACCEPT_CLIENT_EVENTS_FROM: "accept_client_events_from",
  REVERB_APP_RATE_LIMITING_ENABLED: "rate_limiting.enabled",
  REVERB_APP_RATE_LIMIT_MAX_ATTEMPTS: "rate_limiting.max_attempts",
  REVERB_APP_RATE_LIMIT_DECAY_SECONDS: "rate_limiting.decay_seconds",
  REVERB_APP_RATE_LIMIT_TERMINATE: "rate_limiting.terminate_on_limit",
};

/** What that file says of the app where no variable does, and Reverb would think otherwise. */
const APP_DEFAULTS: Tree = {
  allowed_origins: ["*"],
  accept_client_events_from: "members",
  rate_limiting: { decay_seconds: 60 },
};

/** Words that Laravel reads as something else than text. */
const WORDS: Readonly<Record<string, unknown>> = { true: true, false: false, null: null, empty: "" };

/** What a Laravel application's environment says of Reverb. */
export interface ReverbEnvironment {
  /** The configuration that config/reverb.php makes of it, as far as it is not left to its defaults. */
  readonly tree: Tree;
  /** Variables that it does not read. */
  readonly unknown: readonly string[];
}

/** Whether a file is an environment, by its name: `.env`, `.env.production`, `prod.env`. */
export function isEnvironmentFile(file: string): boolean {
  return /(?:^|[/\\.])env(?:\.[^/\\.]+)?$/u.test(file);
}

/** Reads the environment of a Laravel application. */
export function readReverbEnvironment(text: string): ReverbEnvironment {
  const variables = parseEnv(text);
  const tree: Tree = {};
  const app = structuredClone(APP_DEFAULTS);
  const unknown: string[] = [];
  for (const [name, raw] of Object.entries(variables)) {
    if (!name.startsWith("REVERB_")) continue;
    const path = VARIABLES[name];
    const appPath = APP_VARIABLES[name];
    const value = readValue(raw ?? "", variables);
    if (path === undefined && appPath === undefined) unknown.push(name);
    if (value === null || value === "") continue;
    if (path !== undefined) setAt(tree, path.split("."), value);
    if (appPath !== undefined) setAt(app, appPath.split("."), value);
  }
  setAt(tree, ["apps", "apps"], [app]);
  return { tree, unknown };
}

/** A value with `${OTHER}` filled in. */
function readValue(raw: string, variables: NodeJS.Dict<string>): unknown {
  const text = raw.replaceAll(/\$\{(\w+)\}/gu, (whole, name: string) => variables[name] ?? whole);
  const word = text.toLowerCase().replace(/^\((.*)\)$/u, "$1");
  return Object.hasOwn(WORDS, word) ? WORDS[word] : text;
}
