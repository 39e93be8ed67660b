import type { IncomingMessage, ServerResponse } from "node:http";
import { CallCounts } from "../../../core/call-counts.ts";
import { failureOf } from "../../../core/failure.ts";
import type { Live } from "../../../core/live.ts";
import type { Metrics } from "../../../core/metrics.ts";
import type { RefusalReason } from "../../../core/refusal.ts";
import type { SharedRates } from "../../../core/shared-limits.ts";
import { BodyTooLarge, readBody } from "../../../http/body.ts";
import { pathOf, peerAddressOf } from "../../../http/client-address.ts";
import { type Route, sendEmpty } from "../../../http/http-app.ts";
import type { RateDecision } from "../../../lib/rate-limiter.ts";
import type { PusherApp } from "../app.ts";
import type { PusherConfig } from "../config.ts";
import type { PusherContext } from "../context.ts";
import { authenticate, checkBody } from "./authentication.ts";
import { describeChannel, listChannels, listUsers } from "./channels.ts";
import { type ApiNode, type Endpoint, Refusal, refusalJson } from "./endpoint.ts";
import { triggerBatch, triggerEvent, triggerEventInChannel } from "./events.ts";
import { AppRateLimits, enforce } from "./rate-limits.ts";
import { decodePath, headOf, type RequestHead } from "./request.ts";
import { countConnections, forceReconnect, terminateConnections } from "./users.ts";

/** What the HTTP API works with. */
export interface PusherApiOptions extends Pick<PusherContext, "apps" | "logger" | "refusals" | "clock"> {
  readonly node: ApiNode;
  readonly config: Live<Pick<PusherConfig, "path_prefix" | "request_body_limit">>;
  /** Whether the client may make one more request; all may by default. */
  readonly admits?: (request: IncomingMessage) => RateDecision;
  readonly sharedLimits: SharedRates;
  readonly metrics: Metrics;
}

const ENDPOINTS: readonly Endpoint[] = [
  triggerEvent,
  triggerBatch,
  listChannels,
  describeChannel,
  listUsers,
  triggerEventInChannel,
  countConnections,
  terminateConnections,
  forceReconnect,
];

/**
 * The HTTP API of the apps (docs/protocols/pusher.md §4): everything below `<path_prefix>/apps/`, and a health check
 * beside it.
 */
export function createPusherApiRoutes(options: PusherApiOptions): Route[] {
  const { path_prefix: prefix } = options.config.get();
  const path = `${prefix}/apps/`;
  const api = new PusherApi(options, path);
  return [
    { path, prefix: true, handle: (request, response) => api.handle(request, response) },
    { path: `${prefix}/up`, handle: (_request, response) => sendJson(response, 200, HEALTH) },
  ];
}

const HEALTH = JSON.stringify({ health: "OK" });

/** An app and what is asked of it. */
interface Target {
  readonly app: PusherApp;
  readonly endpoint: Endpoint;
  readonly subject: string;
}

class PusherApi {
  readonly #options: PusherApiOptions;
  readonly #root: string;
  readonly #limits: AppRateLimits;
  readonly #counts: CallCounts;

  constructor(options: PusherApiOptions, root: string) {
    this.#options = options;
    this.#root = root;
    this.#counts = new CallCounts(options.metrics, "pusher");
    this.#limits = new AppRateLimits(options.apps, options.clock, options.sharedLimits);
  }

  /** Answers a request; not where the client leaves before all of it has come. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    allowAllOrigins(request, response);
    if (request.method === "OPTIONS") {
      sendEmpty(response, 204);
      return;
    }
    const startedAtMs = this.#options.clock.monotonicMs();
    let target: Target | undefined;
    try {
      const decision = this.#options.admits?.(request);
      if (decision !== undefined)
        enforce(decision, "There are too many requests from this address", response);
      const head = headOf(request);
      target = this.#findTarget(head);
      const { clock, config } = this.#options;
      authenticate(target.app.config, head, config.get().path_prefix, clock.wallMs());
      if (!target.app.config.enabled) throw new Refusal(403, "The app is disabled");
      const body = await this.#receive(request);
      if (body === undefined) return;
      checkBody(head.query, body);
      sendJson(response, 200, JSON.stringify(await this.#run(target, head, body, request, response)));
      this.#count(target.endpoint, startedAtMs, undefined);
    } catch (error) {
      const status = this.#refuse(request, response, error);
      if (target !== undefined) this.#count(target.endpoint, startedAtMs, status);
    }
  }

  #count({ method, path }: Endpoint, startedAtMs: number, status: number | undefined): void {
    this.#counts.count(`${method} ${path}`, this.#options.clock.monotonicMs() - startedAtMs, status);
  }

  async #run(
    { app, endpoint, subject }: Target,
    { query }: RequestHead,
    body: Buffer,
    { headers }: IncomingMessage,
    response: ServerResponse,
  ): Promise<object> {
    return endpoint.run({
      node: this.#options.node,
      app,
      subject,
      query,
      body,
      idempotencyKey: String(headers["x-idempotency-key"] ?? ""),
      spend: (expense, points) => this.#limits.spend(app.config.id, expense, points, response),
    });
  }

  #findTarget({ method, path }: RequestHead): Target {
    const [id = "", ...parts] = path.slice(this.#root.length).split("/").map(decodePath);
    const app = this.#options.apps.get().withId(id);
    if (app === undefined) throw new Refusal(404, "There is no app with this id");
    const found = ENDPOINTS.filter((endpoint) => subjectOf(endpoint, parts) !== undefined);
    const endpoint = found.find((each) => each.method === method);
    if (endpoint !== undefined) return { app, endpoint, subject: subjectOf(endpoint, parts) ?? "" };
    if (found.length === 0) throw new Refusal(404, "There is nothing at this path");
    throw new Refusal(405, "The path takes another method", {
      Allow: found.map((each) => each.method).join(", "),
    });
  }

  /** The body; undefined where the client leaves in the middle. */
  async #receive(request: IncomingMessage): Promise<Buffer | undefined> {
    const { request_body_limit: maxBytes } = this.#options.config.get();
    try {
      return await readBody(request, maxBytes);
    } catch (error) {
      if (!(error instanceof BodyTooLarge)) return undefined;
      // The rest of the body is not read, so an HTTP/1 connection cannot be used again.
      const headers: Record<string, string> = request.httpVersionMajor === 1 ? { Connection: "close" } : {};
      throw new Refusal(413, `The body has more than ${maxBytes} bytes`, headers);
    }
  }

  /** Returns the status that it answers with. */
  #refuse(request: IncomingMessage, response: ServerResponse, error: unknown): number {
    if (error instanceof Refusal) {
      this.#note(REASONS.get(error.status) ?? "pusher_api_bad_request", request, error);
      for (const [name, value] of Object.entries(error.headers)) response.setHeader(name, value);
      sendJson(response, error.status, refusalJson(error.status, error.message));
      return error.status;
    }
    const { logger } = this.#options;
    const fields = { path: pathOf(request) };
    const failure = failureOf(error, { logger, message: "pusher api request failed", fields });
    // What the node does not take, such as an event that is too much for its channel.
    if (failure === error) this.#note("pusher_api_bad_request", request, failure);
    sendJson(response, 500, refusalJson(500, "Internal server error"));
    return 500;
  }

  #note(reason: RefusalReason, request: IncomingMessage, { message: detail }: Error): void {
    const fields = { address: peerAddressOf(request), path: pathOf(request), detail };
    this.#options.refusals.note(reason, fields);
  }
}

/** What the log has of refusals by their status. */
const REASONS: ReadonlyMap<number, RefusalReason> = new Map([
  [401, "pusher_api_unauthorized"],
  [403, "pusher_app_disabled"],
  [404, "pusher_api_not_found"],
  [429, "pusher_rate_limit"],
]);

/** What stands in the place of `*` in the endpoint's path, "" where there is none; undefined for other paths. */
function subjectOf({ path }: Endpoint, parts: readonly string[]): string | undefined {
  const expected = path.split("/");
  if (parts.length !== expected.length) return undefined;
  const matches = expected.every((part, at) => part === "*" || part === parts[at]);
  return matches ? (parts[expected.indexOf("*")] ?? "") : undefined;
}

/** Requests are signed, so pages have no other right to them than the secret. */
function allowAllOrigins({ method, headers }: IncomingMessage, response: ServerResponse): void {
  response.setHeader("Access-Control-Allow-Origin", "*");
  response.setHeader(
    "Access-Control-Expose-Headers",
    "Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining",
  );
  if (method !== "OPTIONS") return;
  response.setHeader("Access-Control-Allow-Methods", "GET, POST, OPTIONS");
  const wanted = headers["access-control-request-headers"];
  if (wanted !== undefined) response.setHeader("Access-Control-Allow-Headers", wanted);
}

function sendJson(response: ServerResponse, status: number, json: string): void {
  response.writeHead(status, {
    "Content-Type": "application/json",
    "Content-Length": Buffer.byteLength(json),
  });
  response.end(json);
}
