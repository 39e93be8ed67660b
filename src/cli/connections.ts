import { setTimeout as delay } from "node:timers/promises";
import { InvalidArgumentError, type Command } from "commander";
import { type Config, firstApiKey } from "../app/config.ts";
import { internalListener, mainListener } from "../config/sections/http-server.ts";
import { type ApiAccess, type Connection, listConnections } from "./api-client.ts";
import type { CliIo } from "./cli-io.ts";
import { addConfigOption, loadForHelper, type ConfigOption } from "./config-option.ts";
import { formatConnections } from "./connections-table.ts";

interface Options extends ConfigOption {
  readonly user?: string;
  readonly expression?: string;
  readonly json?: true;
  /** Seconds; true where they are left out. */
  readonly watch?: number | true;
  readonly url?: string;
  readonly key?: string;
}

const EXAMPLES = `
Asks a running server over its HTTP API. Address and key are those of the config file and the environment
(MILLRACE_HTTP_API_KEY), unless given, or those of the development server (serve --dev). Expressions are CEL: docs/connections.md lists their variables.

Examples:
  millrace connections
  millrace connections --user 42 --watch
  millrace connections -e '"news" in channels && labels.plan == "gold"'
  millrace connections --json --url https://push.example.com/api --key $KEY
`;

const DEFAULT_WATCH_SEC = 2;
const CLEAR_SCREEN = "\x1b[H\x1b[2J";

/** `connections`: who is connected to a running server. */
export function addConnectionsCommand(program: Command, io: CliIo): void {
  addConfigOption(program.command("connections"))
    .description("list the connections of a running server")
    .option("-u, --user <id>", "connections of this user only")
    .option("-e, --expression <cel>", "connections that meet this expression only")
    .option("--json", "print one JSON object per connection and line")
    .option("-w, --watch [seconds]", "list them again and again", parseSeconds)
    .option("--url <url>", "address of the HTTP API, such as http://localhost:8000/api")
    .option("--key <key>", "key of the HTTP API")
    .addHelpText("after", EXAMPLES)
    .action(async (options: Options) => {
      const needed = options.key === undefined ? "API key" : undefined;
      const access = accessOf(options, loadForHelper(io, options, needed));
      if (options.watch === undefined) return print(io, options, access);
      await watch(io, options.watch === true ? DEFAULT_WATCH_SEC : options.watch, () =>
        print(io, options, access),
      );
    });
}

function accessOf({ url, key }: Options, config: Config): ApiAccess {
  return { baseUrl: (url ?? apiUrlOf(config)).replace(/\/+$/, ""), key: key ?? firstApiKey(config.http_api) };
}

/** Where a server with this configuration has its HTTP API, seen from the same machine. */
function apiUrlOf({ http_server: server, http_api: api }: Config): string {
  const internal = api.external ? undefined : internalListener(server);
  const { address, port, tlsOption } = internal ?? mainListener(server);
  const name = address === "" || address === "0.0.0.0" || address === "::" ? "localhost" : address;
  const scheme = tlsOption === undefined ? "http" : "https";
  const shown = name.includes(":") ? `[${name}]` : name;
  return `${scheme}://${shown}:${port}${api.handler_prefix}`;
}

async function print(io: CliIo, options: Options, access: ApiAccess): Promise<void> {
  const { user = "", json } = options;
  // Without any condition the server would refuse to answer.
  const expression = options.expression ?? (user === "" ? "true" : "");
  const found: Connection[] = [];
  for await (const page of listConnections(access, { user, expression })) {
    if (json === true) for (const connection of page) io.stdout.write(`${JSON.stringify(connection)}\n`);
    else found.push(...page);
  }
  if (json === true) return;
  const isWatching = options.watch !== undefined && io.stdout.isTTY === true;
  io.stdout.write((isWatching ? CLEAR_SCREEN : "") + formatConnections(found, io.clock.wallMs()));
}

/** Runs a step every few seconds until SIGINT or SIGTERM. */
async function watch(io: CliIo, intervalSec: number, step: () => Promise<void>): Promise<void> {
  const stop = new AbortController();
  using subscriptions = new DisposableStack();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    subscriptions.use(io.onSignal(signal, () => stop.abort()));
  }
  while (!stop.signal.aborted) {
    await step();
    try {
      await delay(intervalSec * 1_000, undefined, { signal: stop.signal });
    } catch (error) {
      if (!stop.signal.aborted) throw error;
    }
  }
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (!(seconds >= 0.1 && seconds <= 86_400)) throw new InvalidArgumentError("Seconds are 0.1 to 86400.");
  return seconds;
}
