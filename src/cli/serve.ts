import type { Command } from "commander";
import { type Config, loadConfig, type LoadedConfig } from "../app/config.ts";
import { createDevDefaults } from "../app/dev-config.ts";
import { issueDevToken } from "../app/dev-page.ts";
import { listPaths, listTransports } from "../app/edges.ts";
import type { ServerAddresses } from "../app/server.ts";
import { adviseStart } from "../app/start-advice.ts";
import { VERSION } from "../app/version.ts";
import type { Logger } from "../core/logger.ts";
import { createLogger } from "../telemetry/logger.ts";
import { type CliIo, CommandFailure, type ServerHandle } from "./cli-io.ts";
import { addConfigFlags, readConfigFlags } from "./config-flags.ts";
import { addConfigOption, asCommandFailure, configFileOf, type ConfigOption } from "./config-option.ts";
import { keepDevKeys, type KeptDevKeys } from "./dev-keys.ts";
import { writePidFile } from "./files.ts";
import { ReloadRequests, StopRequest } from "./server-signals.ts";
import { formatPageLine, formatTryLines } from "./try-lines.ts";

interface Options extends ConfigOption {
  readonly dev?: true;
  readonly address?: string;
  readonly port?: string;
  readonly [flag: string]: unknown;
}

const EXAMPLES = `
Any option of the configuration is a flag too: --section.key value. A flag wins over the environment
(MILLRACE_SECTION_KEY, or .env in the working directory), and that over the config file.

Examples:
  millrace serve --dev
  millrace serve -c config.yaml -p 8001
  millrace serve --uni_sse.enabled --log.level debug
`;

/** `serve`: runs the server until SIGINT or SIGTERM. */
export function addServeCommand(program: Command, io: CliIo): void {
  const command = addConfigOption(program.command("serve", { isDefault: true }))
    .description("run the server (what happens without a command)")
    .option("--dev", "development server for this machine: everything on, and what to try next")
    .option("-a, --address <address>", "short for --http_server.address; with --dev for all ports")
    .option("-p, --port <port>", "short for --http_server.port")
    .addHelpText("after", EXAMPLES);
  addConfigFlags(command).action(async (options: Options) => {
    const devKeys = options.dev === true ? keepDevKeys(io.env) : undefined;
    const loadAgain = (): LoadedConfig => load(io, options, devKeys);
    await run(io, asCommandFailure("getting config: ", loadAgain), devKeys, loadAgain);
  });
}

function load(io: CliIo, options: Options, devKeys: KeptDevKeys | undefined): LoadedConfig {
  const flags = readConfigFlags(options);
  if (options.address !== undefined) flags["http_server.address"] = options.address;
  if (options.port !== undefined) flags["http_server.port"] = options.port;
  return loadConfig({
    ...(devKeys === undefined ? {} : { defaults: createDevDefaults(devKeys.keys, options.address) }),
    file: { ...configFileOf(io, options), readsDotEnv: true },
    env: io.env,
    flags,
  });
}

async function run(
  io: CliIo,
  { config, warnings, source }: LoadedConfig,
  devKeys: KeptDevKeys | undefined,
  loadAgain: () => LoadedConfig,
): Promise<void> {
  const logger = openLog(io, config);
  for (const warning of [...warnings, ...adviseStart(config)]) logger.warn({}, warning);
  using cleanup = new DisposableStack();
  const stop = new StopRequest(io);
  cleanup.use(writePidFile(io.cwd, config.pid_file));
  const isDev = devKeys !== undefined;
  const server = io.createServer({ config, logger, isDev });
  const reloads = cleanup.use(new ReloadRequests(io, () => reload(server, loadAgain, logger)));
  const addresses = await start(server, logger);
  const isColoured = io.stdout.isTTY === true;
  if (isDev) io.stdout.write(formatPageLine({ config, addresses, isColoured }));
  logger.info(
    {
      version: VERSION,
      pid: process.pid,
      ...(config.node.workers === "1" ? {} : { workers: config.node.workers }),
      config: source ?? "none",
      store: config.store.path || "memory",
      ...describeAddresses(addresses),
      transports: listTransports(config),
      endpoints: listPaths(config),
    },
    "server started",
  );
  if (isDev) {
    const keysAreKept = devKeys.path !== undefined;
    if (!keysAreKept) logger.info({}, "keys are for this run only: there is nowhere to keep them");
    const token = await issueDevToken(config, io.clock);
    io.stdout.write(formatTryLines({ config, addresses, token, keysAreKept, isColoured }));
  }
  reloads.begin();
  const signal = await stop.requested;
  logger.info({ signal }, "shutting down");
  const isClean = await server.stop();
  if (!isClean) throw new CommandFailure("not every connection ended within shutdown.timeout");
  logger.info({}, "server stopped");
}

/** Reads the configuration again; a bad one is logged and leaves everything as it is. Never rejects. */
async function reload(server: ServerHandle, loadAgain: () => LoadedConfig, logger: Logger): Promise<void> {
  try {
    const { config, warnings } = loadAgain();
    const ignored = await server.reload(config);
    for (const warning of warnings) logger.warn({}, warning);
    for (const option of ignored) logger.warn({ option }, "changed option needs a restart");
    logger.info({}, "configuration reloaded");
  } catch (err) {
    logger.error({ err }, "configuration not reloaded");
  }
}

function openLog(io: CliIo, config: Config): Logger {
  try {
    return createLogger(config.log, io);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CommandFailure(`log.file: ${reason}`, { cause });
  }
}

async function start(server: ServerHandle, logger: Logger): Promise<ServerAddresses> {
  try {
    return await server.start();
  } catch (cause) {
    logger.debug({ err: cause }, "start failed");
    throw new CommandFailure(explainStartFailure(cause), { cause });
  }
}

function explainStartFailure(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const code = "code" in cause ? cause.code : undefined;
  const port = "port" in cause && typeof cause.port === "number" ? ` ${cause.port}` : "";
  if (code === "EADDRINUSE") {
    return `port${port} is in use already: stop what listens there, or choose another port`;
  }
  if (code === "EACCES") return `port${port} needs privileges: choose one above 1023`;
  return cause.cause instanceof Error ? `${cause.message}: ${cause.cause.message}` : cause.message;
}

function describeAddresses(addresses: ServerAddresses): Record<string, string> {
  const described: Record<string, string> = {};
  for (const [name, address] of Object.entries(addresses)) {
    if (address === undefined) continue;
    const host = address.host.includes(":") ? `[${address.host}]` : address.host;
    described[name] = `${host}:${address.port}`;
  }
  return described;
}
