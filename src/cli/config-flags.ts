import { Option, type Command } from "commander";
import { configSchema } from "../app/config.ts";
import { findOption, outlineOf, type SectionOutline, type ValueOutline } from "../config/outline.ts";
import { UPSTREAM_OPTIONS } from "../config/upstream-options.ts";

/** Flags that `serve --help` shows; the others work too, but would bury these. */
const SHOWN: ReadonlySet<string> = new Set([
  "http_server.address",
  "http_server.port",
  "log.level",
  "log.file",
  "client.insecure",
  "http_api.insecure",
  "health.enabled",
  "uni_sse.enabled",
  "uni_http_stream.enabled",
  "uni_websocket.enabled",
  "uni_grpc.enabled",
  "uni_grpc.port",
  "grpc_api.enabled",
  "grpc_api.port",
  "pid_file",
]);

/** Flags of Centrifugo for what Millrace does not have: switched off they say nothing, otherwise they end the start. */
const UPSTREAM_FLAGS = [
  "engine.type",
  "broker.enabled",
  "broker.type",
  "presence_manager.enabled",
  "presence_manager.type",
  "map_broker.type",
  "sse.enabled",
  "http_stream.enabled",
  "init.enabled",
  "admin.enabled",
  "admin.external",
  "admin.insecure",
  "prometheus.enabled",
  "swagger.enabled",
  "debug.enabled",
];

/** Options that are a flag of their own: everything but secrets, which other users would see in the process list. */
export function listFlags(): ReadonlyMap<string, ValueOutline> {
  const flags = new Map<string, ValueOutline>();
  collect(outlineOf(configSchema), "", flags);
  for (const path of UPSTREAM_FLAGS) {
    const option = findOption(UPSTREAM_OPTIONS, path);
    if (option?.type === "value") flags.set(path, option);
  }
  return flags;
}

function collect(section: SectionOutline, prefix: string, flags: Map<string, ValueOutline>): void {
  for (const [key, member] of section.members) {
    const path = `${prefix}${key}`;
    if (member.type === "section") collect(member, `${path}.`, flags);
    else if (member.type === "value" && !member.isSecret) flags.set(path, member);
  }
}

/** Gives a command one flag per option of the configuration: `--http_server.port 8000`. */
export function addConfigFlags(command: Command): Command {
  for (const [path, { kind, description }] of listFlags()) {
    const value = kind === "boolean" ? "[true|false]" : `<${kind}>`;
    const option = new Option(`--${path} ${value}`, description);
    command.addOption(SHOWN.has(path) ? option : option.hideHelp());
  }
  return command;
}

/** The flags that were given, by path. A boolean flag without value means true. */
export function readConfigFlags(options: Readonly<Record<string, unknown>>): Record<string, string> {
  const given: Record<string, string> = {};
  for (const path of listFlags().keys()) {
    const value = options[path];
    if (typeof value === "string") given[path] = value;
    else if (value === true) given[path] = "true";
  }
  return given;
}
