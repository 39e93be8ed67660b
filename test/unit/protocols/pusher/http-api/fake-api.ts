import { createHash, createHmac } from "node:crypto";
import { parseConfig } from "../../../../../src/app/config.ts";
import { MemoryLimits } from "../../../../../src/brokers/memory/memory-limits.ts";
import { DEFAULT_CHANNEL_OPTIONS } from "../../../../../src/core/channel-options.ts";
import type { PublishRequest, SessionTarget } from "../../../../../src/core/commands.ts";
import type { Disconnect } from "../../../../../src/core/disconnect.ts";
import { LiveValue } from "../../../../../src/core/live.ts";
import {
  type ClientInfo,
  NO_POSITION,
  Publication,
  type PublicationInit,
} from "../../../../../src/core/publication.ts";
import { RefusalLog } from "../../../../../src/core/refusal-log.ts";
import type { ConfigInput } from "../../../../../src/index.ts";
import { PusherApps } from "../../../../../src/protocols/pusher/app.ts";
import type { ApiNode } from "../../../../../src/protocols/pusher/http-api/endpoint.ts";
import {
  createPusherApiRoutes,
  type PusherApiOptions,
} from "../../../../../src/protocols/pusher/http-api/routes.ts";
import { FakeClock } from "../../../../support/fake-clock.ts";
import { RecordingMetrics } from "../../../../support/recording-metrics.ts";
import { serveRoutes } from "../../../../support/serve-routes.ts";
import { type LoggedLine, loggerOf } from "../../../../support/silent-logger.ts";

/** Key and secret of the documentation (docs/protocols/pusher.md §2.2). */
export const KEY = "278d425bdf160c739803";
export const SECRET = "7ad3773142a6692b25b8";
const CACHE_TTL_MS = 3_600_000;

type PusherInput = NonNullable<ConfigInput["pusher"]>;
type AppInput = NonNullable<PusherInput["apps"]>[number];

/** One publish as the node saw it. */
export interface Published {
  readonly channel: string;
  readonly data: string;
  readonly tags: Readonly<Record<string, string>> | undefined;
  readonly request: PublishRequest;
}

/** A node that knows what it is told, and writes down what it is asked to do. Channels are those of the core. */
export class FakeNode implements ApiNode {
  readonly published: Published[] = [];
  readonly disconnected: { readonly target: SessionTarget; readonly reason: Disconnect }[] = [];
  readonly subscribers: Map<string, number> = new Map<string, number>();
  readonly present: Map<string, readonly ClientInfo[]> = new Map<string, readonly ClientInfo[]>();
  readonly latest: Map<string, PublicationInit> = new Map<string, PublicationInit>();
  /** What connections were counted. */
  readonly counted: SessionTarget[] = [];
  isBroken = false;

  /** Channels in the order in which they were published to. */
  get channelsPublished(): string[] {
    return this.published.map(({ channel }) => channel);
  }

  readonly channels: ApiNode["channels"] = {
    publish: async (channel, { data, tags }, request) => {
      if (this.isBroken) throw new Error("broker is down");
      this.published.push({ channel, data: Buffer.from(data).toString(), tags, request });
      return NO_POSITION;
    },
    list: async ({ prefix = "" }) =>
      new Map([...this.subscribers].filter(([channel]) => channel.startsWith(prefix))),
    subscriberCount: async (channel) => this.subscribers.get(channel) ?? 0,
    presence: async (channel) =>
      new Map((this.present.get(channel) ?? []).map((info) => [info.client, info])),
    history: async (channel) => {
      const latest = this.latest.get(channel);
      return { publications: latest === undefined ? [] : [new Publication(latest)], position: NO_POSITION };
    },
    optionsOf: () => {
      const history = { size: 1, ttlMs: CACHE_TTL_MS, metaTtlMs: CACHE_TTL_MS };
      return { ...DEFAULT_CHANNEL_OPTIONS, history };
    },
  };
  readonly sessions: ApiNode["sessions"] = {
    countMatching: async (target) => {
      this.counted.push(target);
      return 5;
    },
    disconnect: async (target, reason) => void this.disconnected.push({ target, reason }),
  };
}

/** A client in a presence channel. */
export function clientOf(user: string, client: string, info?: unknown): ClientInfo {
  const chanInfo = info === undefined ? undefined : Buffer.from(JSON.stringify(info));
  return { user, client, connInfo: undefined, chanInfo };
}

/** A request, and what is wrong with it on purpose. */
export interface ApiRequest {
  readonly method?: string;
  /** Beside those of the authentication. */
  readonly params?: Readonly<Record<string, string>>;
  /** Sent as JSON unless it is text or bytes. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly key?: string;
  readonly secret?: string;
  /** Unix seconds; now by default. */
  readonly timestampSec?: number;
  /** Instead of that of the body. */
  readonly md5?: string;
  /** What is signed instead of the path. */
  readonly signedPath?: string;
}

export interface Answer {
  readonly status: number;
  readonly json: unknown;
  readonly headers: Headers;
}

/** The API on a real HTTP server, with an app `3`. */
export interface RunningApi {
  readonly url: string;
  readonly node: FakeNode;
  readonly clock: FakeClock;
  readonly errors: readonly unknown[];
  /** Lines about calls that were refused. */
  readonly refused: readonly LoggedLine[];
  readonly metrics: RecordingMetrics;
  /** Sends a signed request; the path is that after `/apps/3`. A body makes it a POST. */
  readonly call: (path: string, request?: ApiRequest) => Promise<Answer>;
}

/** Starts it on a free port; it closes with the test. */
export async function startApi(
  app: Partial<AppInput> = {},
  pusher: PusherInput = {},
  admits?: PusherApiOptions["admits"],
): Promise<RunningApi> {
  const { config } = parseConfig({
    pusher: { enabled: true, ...pusher, apps: [{ id: "3", key: KEY, secret: SECRET, ...app }] },
  });
  const node = new FakeNode();
  const clock = new FakeClock();
  const errors: unknown[] = [];
  const logger = {
    debug: () => undefined,
    info: () => undefined,
    warn: () => undefined,
    error: (fields: Readonly<Record<string, unknown>>) => void errors.push(fields["err"]),
  };
  const apps = new LiveValue(new PusherApps(config.pusher.apps));
  const refused: LoggedLine[] = [];
  const refusals = new RefusalLog(loggerOf(refused), clock);
  const sharedLimits = new MemoryLimits();
  const live = { apps, config: new LiveValue(config.pusher) };
  const metrics = new RecordingMetrics();
  const options = { ...live, node, logger, refusals, clock, sharedLimits, metrics };
  const routes = createPusherApiRoutes(admits === undefined ? options : { ...options, admits });
  const url = await serveRoutes(routes, logger);
  const root = `${config.pusher.path_prefix}/apps/3`;
  const call: RunningApi["call"] = (path, request = {}) => {
    const timestampSec = Math.floor(clock.wallMs() / 1000);
    return send(url, root + path, { timestampSec, ...request });
  };
  return { url, node, clock, errors, refused, metrics, call };
}

/** Sends a request signed as the documentation says, written independently of the server. */
export async function send(origin: string, path: string, request: ApiRequest): Promise<Answer> {
  const { body, params = {}, key = KEY, secret = SECRET, timestampSec = 0, headers = {} } = request;
  const method = request.method ?? (body === undefined ? "GET" : "POST");
  const bytes = bytesOf(body);
  const md5 =
    request.md5 ?? (bytes === undefined ? undefined : createHash("md5").update(bytes).digest("hex"));
  const all: Record<string, string> = {
    auth_key: key,
    auth_timestamp: String(timestampSec),
    auth_version: "1.0",
    ...(md5 === undefined ? {} : { body_md5: md5 }),
    ...params,
  };
  const names = Object.keys(all).toSorted();
  const signed = names.map((name) => `${name}=${all[name]}`).join("&");
  const text = `${method}\n${request.signedPath ?? path}\n${signed}`;
  const query = new URLSearchParams({
    ...all,
    auth_signature: createHmac("sha256", secret).update(text).digest("hex"),
  });
  return fetchAnswer(`${origin}${path}?${query.toString()}`, { method, headers, body: bytes ?? null });
}

export async function fetchAnswer(url: string, init: RequestInit): Promise<Answer> {
  const response = await fetch(url, init);
  const text = await response.text();
  return {
    status: response.status,
    json: text === "" ? undefined : (JSON.parse(text) as unknown),
    headers: response.headers,
  };
}

function bytesOf(body: unknown): Uint8Array<ArrayBuffer> | undefined {
  if (body === undefined) return undefined;
  if (body instanceof Uint8Array) return new Uint8Array(body);
  return new TextEncoder().encode(typeof body === "string" ? body : JSON.stringify(body));
}

/** An event that nothing is wrong with. */
export const EVENT = { name: "greeting", channel: "news", data: '{"a": 1}' } as const;
