import { expect } from "vitest";
import type { ApiKeysConfig, HttpApiConfig } from "../../../src/api/config.ts";
import { ApiKeys, createApiRoutes, createServerApi } from "../../../src/api/index.ts";
import type { ApiChannels, ApiNode, ApiSessions, ApiUsers } from "../../../src/api/ports.ts";
import type { ServerApiContext } from "../../../src/api/server-api.ts";
import { type ChannelOptions, DEFAULT_CHANNEL_OPTIONS } from "../../../src/core/channel-options.ts";
import { ChannelRules } from "../../../src/core/channel-rules.ts";
import type { NodeInfo, SessionTarget } from "../../../src/core/commands.ts";
import { LiveValue } from "../../../src/core/live.ts";
import type { LogFields, Logger } from "../../../src/core/logger.ts";
import { type Metrics, NO_METRICS } from "../../../src/core/metrics.ts";
import { NO_POSITION, type StreamPosition } from "../../../src/core/publication.ts";
import { RefusalLog } from "../../../src/core/refusal-log.ts";
import { createFakeChannels } from "../../support/fake-channels.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { RecordingMetrics } from "../../support/recording-metrics.ts";
import { serveRoutes } from "../../support/serve-routes.ts";
import { silentRefusals } from "../../support/silent-logger.ts";

export const KEY = "K";

const RULES = new ChannelRules({
  namespaceBoundary: ":",
  privatePrefix: "$",
  userBoundary: "#",
  userSeparator: ",",
  withoutNamespace: DEFAULT_CHANNEL_OPTIONS,
  namespaces: new Map<string, ChannelOptions>([
    ["h", DEFAULT_CHANNEL_OPTIONS],
    ["json", { ...DEFAULT_CHANNEL_OPTIONS, publicationDataFormat: "json" }],
    ["object", { ...DEFAULT_CHANNEL_OPTIONS, publicationDataFormat: "json_object" }],
    ["binary", { ...DEFAULT_CHANNEL_OPTIONS, publicationDataFormat: "binary" }],
  ]),
});

/** One publish as the node saw it. */
export interface Published {
  readonly channel: string;
  readonly data: string;
  readonly tags: Readonly<Record<string, string>> | undefined;
  readonly knownJson: boolean;
  readonly idempotencyKey: string;
}

/** What is tested on a real node. */
async function notFaked(): Promise<never> {
  throw new Error("not faked");
}

/** A port of which a test may replace what it wants to see asked. */
type Mutable<Port> = { -readonly [Name in keyof Port]: Port[Name] };

/** A node that writes down what it is asked for. */
export class FakeApiNode implements ApiNode {
  isStopping = false;
  position: StreamPosition = NO_POSITION;
  /** Fails publishes into this channel. */
  brokenChannel = "broken";
  nodes: readonly NodeInfo[] = [
    {
      uid: "u",
      name: "n",
      version: "v",
      numClients: 1,
      numUsers: 0,
      numChannels: 0,
      numSubs: 2,
      uptimeSec: 3,
    },
  ];
  readonly published: Published[] = [];
  readonly disconnected: {
    target: SessionTarget;
    code: number;
    reason: string;
    whitelist: readonly string[];
  }[] = [];

  get publishedChannels(): string[] {
    return this.published.map(({ channel }) => channel);
  }

  /** Those of a real node, on a broker that writes down what it is asked for. */
  readonly channels: Mutable<ApiChannels> = createFakeChannels(
    RULES,
    async (channel, init, { idempotencyKey }) => {
      if (channel === this.brokenChannel) throw new Error("broker is down");
      const { data, tags, knownJson } = init;
      const text = Buffer.from(data).toString();
      this.published.push({ channel, data: text, tags, knownJson: knownJson === true, idempotencyKey });
      return { position: this.position, suppressed: false };
    },
  );
  readonly sessions: Mutable<ApiSessions> = {
    disconnect: async (target, { code, reason }, whitelist) => {
      this.disconnected.push({ target, code, reason, whitelist });
    },
    list: notFaked,
    subscribe: notFaked,
    unsubscribe: notFaked,
    refresh: notFaked,
  };

  async info(): Promise<readonly NodeInfo[]> {
    return this.nodes;
  }

  readonly users: ApiUsers = {
    updateStatus: notFaked,
    statuses: notFaked,
    deleteStatuses: notFaked,
    block: notFaked,
    unblock: notFaked,
    revokeToken: notFaked,
    invalidateTokens: notFaked,
  };
}

/** A logger that keeps what it is told. */
export class ErrorLog implements Logger {
  /** The errors that were logged as such. */
  readonly errors: unknown[] = [];
  /** All the rest: level, message, fields. */
  readonly lines: (readonly [level: string, message: string, fields: LogFields])[] = [];
  debug(fields: LogFields, message: string): void {
    this.lines.push(["debug", message, fields]);
  }
  info(fields: LogFields, message: string): void {
    this.lines.push(["info", message, fields]);
  }
  warn(fields: LogFields, message: string): void {
    this.lines.push(["warn", message, fields]);
  }
  error(fields: LogFields): void {
    this.errors.push(fields["err"]);
  }
}

/** What the API works with in tests: nobody hears of refusals unless somebody listens. */
export function apiContext(
  node: ApiNode,
  logger: Logger,
  refusals: RefusalLog = silentRefusals,
  metrics: Metrics = NO_METRICS,
): ServerApiContext {
  return { node, logger, refusals, clock: new FakeClock(), metrics };
}

/** The doors on a real HTTP server. */
export interface RunningApi {
  readonly url: string;
  readonly node: FakeApiNode;
  readonly log: ErrorLog;
  readonly metrics: RecordingMetrics;
  readonly keys: LiveValue<ApiKeysConfig>;
  /** Sends a body with the key; `path` goes below the URL. */
  readonly post: (
    path: string,
    body: string | Uint8Array,
    headers?: Readonly<Record<string, string>>,
  ) => Promise<Answer>;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
}

export async function send(url: string, init: RequestInit): Promise<Answer> {
  const response = await fetch(url, init);
  return { status: response.status, text: await response.text(), headers: response.headers };
}

/** Starts the doors on a free port; they close with the test. */
export async function startApi(config: Partial<HttpApiConfig> = {}): Promise<RunningApi> {
  const node = new FakeApiNode();
  const log = new ErrorLog();
  const metrics = new RecordingMetrics();
  const refusals = new RefusalLog(log, new FakeClock());
  const httpApi: HttpApiConfig = {
    disabled: false,
    external: false,
    insecure: false,
    handler_prefix: "/api",
    key: KEY,
    keys: [],
    error_mode: "",
    max_request_body_size: 1 << 20,
    connections_channels_as_array: false,
    ...config,
  };
  const keys = new LiveValue<ApiKeysConfig>(httpApi);
  const api = createServerApi(apiContext(node, log, refusals, metrics));
  const url = await serveRoutes(createApiRoutes(api, httpApi, new ApiKeys("http_api", keys)), log);
  const post: RunningApi["post"] = (path, body, headers = {}) =>
    send(`${url}${path}`, { method: "POST", body, headers: { "X-API-Key": KEY, ...headers } });
  return { url, node, log, metrics, post, keys };
}

/** Answers that many tests expect. */
export const OK = { status: 200, text: '{"result":{}}' };
/** Of a body that cannot be decoded. */
export const BAD_REQUEST = { status: 400, text: expect.stringMatching(/^Bad Request: .+\n$/u) as string };
export const TRANSPORT = { "X-Centrifugo-Error-Mode": "transport" };
