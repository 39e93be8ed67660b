import { createAmbient } from "../core/ambient.ts";
import type { Server as HttpServer } from "node:http";
import { availableParallelism } from "node:os";
import { ConfigError, type ConfigProblem } from "../config/config-error.ts";
import { type Metrics, NO_METRICS } from "../core/metrics.ts";
import type { Logger } from "../core/logger.ts";
import type { ServerNode } from "../node/server-node.ts";
import type { Config } from "./config.ts";
import { openLocalServer } from "./local-server.ts";
import { openPrimaryServer } from "./primary-server.ts";
import { changesThatNeedRestart } from "./reload.ts";

/** What a server is made of. */
export interface ServerOptions {
  /** Complete, validated configuration. */
  readonly config: Config;
  readonly logger: Logger;
  /** An HTTP server of the host process to serve on, instead of a listener of our own. */
  readonly attachTo?: HttpServer | undefined;
  /** A development server: with a page at `/` that shows it, and its keys, to browsers on this machine. */
  readonly isDev?: boolean | undefined;
  /** Where the server counts what it does; nowhere by default. */
  readonly metrics?: Metrics | undefined;
}

/** Where one listener of a started server is reached. */
export interface ListenerAddress {
  readonly host: string;
  readonly port: number;
}

/** Where a started server listens; undefined for what is switched off, and for HTTP on an attached server. */
export interface ServerAddresses {
  readonly http: ListenerAddress | undefined;
  /** Server API and health, where they have a port or address of their own. */
  readonly internalHttp: ListenerAddress | undefined;
  readonly uniGrpc: ListenerAddress | undefined;
  readonly grpcApi: ListenerAddress | undefined;
}

/** A server: from configuration to listeners, and back. */
export interface MillraceServer {
  /** The node, for publishing from code. Available from the end of the start to that of the stop. */
  readonly node: ServerNode;
  /**
   * Opens all listeners; resolves to where they are. Rejects, with nothing left open, when one of them cannot.
   * Idempotent while it runs; waits for a stop under way.
   */
  start(): Promise<ServerAddresses>;
  /**
   * Follows a new configuration as far as a running server can; resolves to the paths of the changed options
   * that need a restart. Rejects, changing nothing, for unusable keys.
   */
  reload(config: Config): Promise<readonly string[]>;
  /**
   * Stops listening, tells every client 3001, and waits for connections to end; past `shutdown.timeout` the
   * rest are cut. Resolves to whether none had to be. Idempotent; waits for a start under way. A server that has
   * stopped can be started again.
   */
  stop(): Promise<boolean>;
}

/** One run of a server, from its start to its stop. */
export interface ServerRun {
  readonly node: ServerNode;
  readonly addresses: ServerAddresses;
  /** Follows a new configuration as far as it can; rejects, changing nothing, where it cannot be used. */
  reload(config: Config): Promise<void>;
  /** Resolves to whether no connections had to be cut. */
  stop(): Promise<boolean>;
}

/** Makes a server. Nothing happens until it is started. Throws ConfigError where options do not go together. */
export function createServer(options: ServerOptions): MillraceServer {
  const { config, logger, attachTo, isDev = false, metrics = NO_METRICS } = options;
  const workers = config.node.workers === "auto" ? availableParallelism() : Number(config.node.workers);
  if (attachTo !== undefined) checkAttachment(config, workers);
  const open = workers === 1 ? openLocalServer : openPrimaryServer;
  return new Server(config, () =>
    open({ config, ambient: createAmbient(logger, metrics), workers, attachTo, isDev }),
  );
}

function checkAttachment({ http_server: http }: Config, workers: number): void {
  const problems: ConfigProblem[] = [];
  if (workers > 1) {
    problems.push({ path: "node.workers", message: "workers cannot serve on a server of the host process" });
  }
  if (http.tls.enabled) {
    const message = "a server of the host process has its own TLS: make it with node:https";
    problems.push({ path: "http_server.tls", message });
  }
  if (problems.length > 0) throw new ConfigError(problems);
}

/** A server that starts and stops in turns, whatever it is told meanwhile. */
class Server implements MillraceServer {
  readonly #config: Config;
  readonly #open: () => Promise<ServerRun>;
  /** The run that was asked for last; undefined where none is wanted. */
  #wanted: Promise<ServerRun> | undefined;
  /** What goes on. */
  #run: ServerRun | undefined;
  /** Whether the last run ended without cutting connections, once it has. */
  #stopping: Promise<boolean> = Promise.resolve(true);

  constructor(config: Config, open: () => Promise<ServerRun>) {
    this.#config = config;
    this.#open = open;
  }

  get node(): ServerNode {
    if (this.#run === undefined) throw new Error("the server does not run: call start() first");
    return this.#run.node;
  }

  async start(): Promise<ServerAddresses> {
    if (this.#wanted === undefined) {
      const run = this.#startAfter(this.#stopping);
      this.#wanted = run;
      run.catch(() => {
        if (this.#wanted === run) this.#wanted = undefined;
      });
    }
    return (await this.#wanted).addresses;
  }

  async reload(config: Config): Promise<readonly string[]> {
    await this.#run?.reload(config);
    return changesThatNeedRestart(this.#config, config);
  }

  stop(): Promise<boolean> {
    if (this.#wanted !== undefined) this.#stopping = this.#stopAfter(this.#wanted);
    this.#wanted = undefined;
    return this.#stopping;
  }

  async #startAfter(stopping: Promise<boolean>): Promise<ServerRun> {
    await stopping;
    this.#run = await this.#open();
    return this.#run;
  }

  async #stopAfter(starting: Promise<ServerRun>): Promise<boolean> {
    // A start that fails has closed what it opened.
    const run = await starting.catch(() => undefined);
    const isClean = await run?.stop();
    this.#run = undefined;
    return isClean ?? true;
  }
}
