import type { Server as HttpServer } from "node:http";
import { vi } from "vitest";
import { type Config, loadConfig } from "../../src/app/config.ts";
import {
  createServer,
  type MillraceServer,
  type ServerAddresses,
  type ServerOptions,
} from "../../src/app/server.ts";
import type { ConnectionInfo } from "../../src/core/commands.ts";
import { Disconnect } from "../../src/core/disconnect.ts";
import type { Logger } from "../../src/core/logger.ts";
import type { ConfigInput } from "../../src/index.ts";
import type { ServerNode } from "../../src/node/server-node.ts";
import { RecordingMetrics } from "./recording-metrics.ts";
import { PATIENCE_MS } from "./signal.ts";
import { type LoggedLine, loggerInto, loggerOf } from "./silent-logger.ts";
import { WORKERS } from "./workers.ts";
export type { ConfigInput } from "../../src/index.ts";

/** What tests have in place of the defaults: all transports of the HTTP port, and tokens signed with `k`. */
const TEST_DEFAULTS = {
  http_server: { address: "127.0.0.1", port: 0 },
  client: { token: { hmac_secret_key: "k" } },
  uni_websocket: { enabled: true },
  uni_sse: { enabled: true },
  uni_http_stream: { enabled: true },
  shutdown: { timeout: "5s" },
  node: { workers: WORKERS },
};

/** Configuration that lets in clients without token, and lets them listen to whatever they ask for. */
export const OPEN: ConfigInput = {
  client: { allow_anonymous_connect_without_token: true },
  channel: { without_namespace: { allow_subscribe_for_client: true, allow_subscribe_for_anonymous: true } },
};

/** Endpoints of the HTTP port. */
export type Endpoint = "uni_websocket" | "uni_sse" | "uni_http_stream";

/** Address of an endpoint below an origin, with a connect request in the query if one is given. */
export function endpointUrl(origin: string, endpoint: Endpoint, connect?: unknown): string {
  const base = endpoint === "uni_websocket" ? origin.replace("http", "ws") : origin;
  const query = connect === undefined ? "" : `?cf_connect=${encodeURIComponent(JSON.stringify(connect))}`;
  return `${base}/connection/${endpoint}${query}`;
}

/** Which connections to count. */
export interface Counts {
  readonly clients: number;
  readonly users: number;
  readonly channels: number;
  readonly subs: number;
}

/** A server in this process, listening. Disposing stops it, and fails when it logged an error on the way. */
export class RunningServer implements AsyncDisposable {
  readonly port: number;
  /** Address with scheme and port. */
  readonly origin: string;
  /** Where all of its listeners are. */
  readonly addresses: ServerAddresses;
  /** The whole log so far. */
  readonly logged: readonly LoggedLine[];
  /** What it counts; with workers, in the primary only. */
  readonly metrics: RecordingMetrics;
  readonly #server: MillraceServer;
  readonly #load: (config: ConfigInput) => Config;
  readonly #errors: unknown[];

  constructor(
    server: MillraceServer,
    load: (config: ConfigInput) => Config,
    addresses: ServerAddresses,
    port: number,
    scheme: string,
    { errors, logged, metrics }: Observed,
  ) {
    this.#server = server;
    this.#load = load;
    this.#errors = errors;
    this.logged = logged;
    this.metrics = metrics;
    this.addresses = addresses;
    this.port = port;
    this.origin = `${scheme}://127.0.0.1:${port}`;
  }

  get node(): ServerNode {
    return this.#server.node;
  }

  /** Address of an endpoint, with a connect request in the query if one is given. */
  url(endpoint: Endpoint, connect?: unknown): string {
    return endpointUrl(this.origin, endpoint, connect);
  }

  /** Has the server follow another configuration; resolves to the options that need a restart. */
  reload(config: ConfigInput): Promise<readonly string[]> {
    return this.#server.reload(this.#load(config));
  }

  /** Publishes a JSON value, or text or bytes as they are. */
  async publish(channel: string, data: unknown, tags?: Readonly<Record<string, string>>): Promise<void> {
    const bytes = data instanceof Uint8Array ? data : Buffer.from(JSON.stringify(data));
    await this.node.channels.publish(channel, { data: bytes, tags }, { idempotencyKey: "" });
  }

  /** Disconnects all connections of a user, "" for the anonymous ones. */
  async disconnect(user: string, code: number, reason: string): Promise<void> {
    await this.node.sessions.disconnect({ user, client: "", session: "" }, new Disconnect(code, reason), []);
  }

  async counts(): Promise<Counts | undefined> {
    const [info] = await this.node.info();
    if (info === undefined) return undefined;
    const { numClients: clients, numUsers: users, numChannels: channels, numSubs: subs } = info;
    return { clients, users, channels, subs };
  }

  /** Identified connections. */
  async sessionCount(): Promise<number> {
    return (await this.counts())?.clients ?? 0;
  }

  /** Connections of a user, "" for the anonymous ones. */
  async connectionsOf(user: string): Promise<readonly ConnectionInfo[]> {
    const query = { user, expression: "", labelFilter: undefined, limit: 0, cursor: "" };
    const { connections } = await this.node.sessions.list(query, new AbortController().signal);
    return connections.filter((connection) => connection.user === user);
  }

  /** Resolves once so many identified connections are left. */
  async untilSessions(count: number): Promise<void> {
    await vi.waitFor(
      async () => {
        const sessionCount = await this.sessionCount();
        if (sessionCount !== count) throw new Error(`${sessionCount} sessions instead of ${count}`);
      },
      { timeout: PATIENCE_MS, interval: 10 },
    );
  }

  /** What the server has logged as errors so far, which is then no failure. */
  takeErrors(): readonly unknown[] {
    return this.#errors.splice(0);
  }

  /** Stops the server; resolves to whether all clients left by themselves. */
  stop(): Promise<boolean> {
    return this.#server.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop();
    if (this.#errors.length > 0) throw new AggregateError(this.#errors, "the server logged errors");
  }
}

/** Starts a server with what differs from the defaults of tests. Keys that it does not know are an error. */
export async function runServer(config: ConfigInput = {}): Promise<RunningServer> {
  return start(config, {});
}

/** Starts a development server, of which nothing is set but what the test says. */
export async function runDevServer(config: ConfigInput = {}): Promise<RunningServer> {
  return start(config, { isDev: true });
}

/** Starts a server on an HTTP server that listens already; that one stays up when it is disposed of. */
export async function attachServer(http: HttpServer, config: ConfigInput = {}): Promise<RunningServer> {
  return start(config, { attachTo: http });
}

async function start(
  input: ConfigInput,
  { attachTo, isDev }: Pick<ServerOptions, "attachTo" | "isDev">,
): Promise<RunningServer> {
  const defaults = attachTo === undefined ? TEST_DEFAULTS : { ...TEST_DEFAULTS, node: {} };
  const load = (values: ConfigInput): Config => {
    const { config, warnings } = loadConfig({ defaults, values });
    if (warnings.length > 0) throw new Error(warnings.join("\n"));
    return config;
  };
  const config = load(input);
  const errors: unknown[] = [];
  const logged: LoggedLine[] = [];
  const logger = tee(loggerInto(errors), loggerOf(logged, "debug"));
  const metrics = new RecordingMetrics();
  const server = createServer({ config, logger, attachTo, isDev, metrics });
  const addresses = await server.start();
  const address = attachTo?.address();
  const port = addresses.http?.port ?? (typeof address === "object" ? address?.port : undefined) ?? 0;
  return new RunningServer(server, load, addresses, port, config.http_server.tls.enabled ? "https" : "http", {
    errors,
    logged,
    metrics,
  });
}

/** What a test can see of a server from the inside. */
interface Observed {
  readonly errors: unknown[];
  readonly logged: readonly LoggedLine[];
  readonly metrics: RecordingMetrics;
}

/** Both loggers hear everything. */
function tee(one: Logger, two: Logger): Logger {
  const both =
    (level: keyof Logger): Logger[keyof Logger] =>
    (fields, message) => {
      one[level](fields, message);
      two[level](fields, message);
    };
  return { debug: both("debug"), info: both("info"), warn: both("warn"), error: both("error") };
}
