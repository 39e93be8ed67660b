import { z } from "zod";
import { findEndpointProblem, findEndpointRisk } from "../auth/jwks/endpoint-safety.ts";
import { formatPath } from "../config/config-error.ts";
import { loadLayers, type ConfigSources, type LoadedConfig as Loaded } from "../config/load-config.ts";
import { section, type ReportProblem, type Section } from "../config/section.ts";
import { channelConfig, type ChannelConfig } from "./channel-config.ts";
import { clientConfig, type ClientConfig } from "./client-config.ts";
import type { TokenConfig } from "../auth/config.ts";
import { httpServerConfig, type HttpServerConfig } from "../config/sections/http-server.ts";
import { LOG_LEVELS, logConfig, type LogConfig } from "../telemetry/config.ts";
import { nodeConfig, shutdownConfig, type NodeConfig, type ShutdownConfig } from "./process-config.ts";
import {
  type RetentionConfig,
  type StoreConfig,
  storeConfig,
  tokenRevokeConfig,
  userBlockConfig,
  type UserStatusConfig,
  userStatusConfig,
  userTokensInvalidateConfig,
} from "./user-control-config.ts";
import { findImpossibleOrigin, OriginPolicy } from "../http/origin-policy.ts";
import { type EdgeSections, edgeSchemas } from "./edges.ts";
import { checkPusher } from "./pusher-checks.ts";

// The command line calls the API, and does not reach past the app.
export { firstApiKey } from "../api/config.ts";
export { httpPublishCommand } from "../api/edges.ts";

/** The whole configuration: complete, valid, durations in milliseconds. Names are those of the file. */
export interface Config extends EdgeSections {
  readonly http_server: HttpServerConfig;
  readonly client: ClientConfig;
  readonly channel: ChannelConfig;
  readonly store: StoreConfig;
  readonly user_status: UserStatusConfig;
  readonly user_block: RetentionConfig;
  readonly token_revoke: RetentionConfig;
  readonly user_tokens_invalidate: RetentionConfig;
  readonly log: LogConfig;
  readonly shutdown: ShutdownConfig;
  readonly node: NodeConfig;
  readonly pid_file: string;
}

/** A configuration with what to tell its owner about it. */
export type LoadedConfig = Loaded<Config>;

/** The schema of everything that can be configured. Those of edges come with them. */
export const configSchema: Section<Config> = section<Config>(
  "Configuration of Millrace.",
  {
    http_server: httpServerConfig,
    client: clientConfig,
    channel: channelConfig,
    ...edgeSchemas,
    store: storeConfig,
    user_status: userStatusConfig,
    user_block: userBlockConfig,
    token_revoke: tokenRevokeConfig,
    user_tokens_invalidate: userTokensInvalidateConfig,
    log: logConfig,
    shutdown: shutdownConfig,
    node: nodeConfig,
    pid_file: z
      .string()
      .default("")
      .describe("File that holds the process id while the server runs; empty for none."),
  },
  checkConfig,
);

/** Loads the configuration from file, environment and flags. Throws ConfigError. */
export function loadConfig(sources: ConfigSources): LoadedConfig {
  const loaded = loadLayers(configSchema, sources);
  return { ...loaded, warnings: [...loaded.warnings, ...advise(loaded.config)] };
}

/**
 * Completes and validates a configuration given in code, as one would write it in a file; every part may be left
 * out. Throws ConfigError with all problems found.
 */
export function parseConfig(input?: unknown): LoadedConfig {
  return loadConfig({ values: input });
}

type Path = readonly (string | number)[];

/** Rules that join sections, or that only those who use an option know. */
function checkConfig(config: Config, report: ReportProblem): void {
  checkPersonalChannel(config, report);
  for (const [path, origin] of originPatterns(config)) {
    reportFailure(path, report, () => new OriginPolicy([origin]));
  }
  checkPusher(config, report);
  for (const [kind, token] of tokenSections(config)) {
    const isEnforced = !token.insecure_skip_jwks_endpoint_safety_check;
    const problem = findEndpointProblem(token) ?? (isEnforced ? findEndpointRisk(token) : undefined);
    if (problem !== undefined) report(["client", kind, problem.option], problem.message);
  }
}

/** The sections that verify tokens, by name. */
function tokenSections({ client }: Config): readonly (readonly [name: string, token: TokenConfig])[] {
  const { token, subscription_token: subscription } = client;
  return [["token", token], ...(subscription.enabled ? [["subscription_token", subscription] as const] : [])];
}

function checkPersonalChannel(config: Config, report: ReportProblem): void {
  const { personal_channel_namespace: personal } = config.client.subscribe_to_user_personal_channel;
  const isKnown = config.channel.namespaces.some((namespace) => namespace.name === personal);
  if (personal === "" || isKnown) return;
  const path = ["client", "subscribe_to_user_personal_channel", "personal_channel_namespace"];
  report(path, `there is no namespace ${JSON.stringify(personal)} in \`channel.namespaces\``);
}

/** Whatever web pages are admitted by, with where it stands. */
function originPatterns({ client, pusher }: Config): readonly (readonly [Path, string])[] {
  const lists: readonly (readonly [Path, readonly string[]])[] = [
    [["client", "allowed_origins"], client.allowed_origins],
    ...pusher.apps.map((app, index) => {
      return [["pusher", "apps", index, "allowed_origins"], app.allowed_origins] as const;
    }),
  ];
  return lists.flatMap(([path, origins]) => {
    return origins.map((origin, index) => [[...path, index], origin] as const);
  });
}

/** Turns what `use` throws into a problem of the option at the path. */
function reportFailure(path: Path, report: ReportProblem, use: () => unknown): void {
  try {
    use();
  } catch (cause) {
    report(path, cause instanceof Error ? cause.message : String(cause));
  }
}

function advise(config: Config): readonly string[] {
  const advice: string[] = [];
  if (!LOG_LEVELS.some((level) => level === config.log.level)) {
    advice.push(`log.level: there is no level ${JSON.stringify(config.log.level)}, using info`);
  }
  for (const [kind, token] of tokenSections(config)) {
    const risk = findEndpointRisk(token);
    if (risk !== undefined) advice.push(`client.${kind}.${risk.option}: ${risk.message}; not enforced`);
  }
  for (const [path, origin] of originPatterns(config)) {
    const reason = findImpossibleOrigin(origin);
    if (reason !== undefined) {
      advice.push(`${formatPath(path)}: ${JSON.stringify(origin)} admits no page: ${reason}`);
    }
  }
  if (config.pusher.enabled && config.pusher.apps.length === 0) {
    advice.push("pusher.apps: there is no app, so nobody can connect");
  }
  return advice;
}
