import type { Server as HttpServer } from "node:http";
import { type Config, loadConfig, type LoadedConfig, parseConfig } from "./app/config.ts";
import { checkHttpServer, checkKind, refuseUnknownOptions } from "./app/library-options.ts";
import { createServer as createMillraceServer, type ServerAddresses } from "./app/server.ts";
import type { SessionTarget } from "./core/commands.ts";
import { Disconnect, disconnect } from "./core/disconnect.ts";
import type { Logger } from "./core/logger.ts";
import type { ClientInfo, Publication, PublicationInit, StreamPosition } from "./core/publication.ts";
import { createLogger } from "./telemetry/logger.ts";
export type { ListenerAddress, ServerAddresses } from "./app/server.ts";
export { ConfigError } from "./config/config-error.ts";
export { ClientError } from "./core/client-error.ts";
export type { LogFields, Logger } from "./core/logger.ts";
export type { ClientInfo, StreamPosition } from "./core/publication.ts";

/**
 * What can be published as JSON: values as `JSON.stringify` writes them. Not told more exactly, for TypeScript would not
 * take an interface for one then.
 */
export type JsonValue = null | boolean | number | string | object;

/** A configuration as one would write it in a file: any part of it, durations as text ("25s"). */
export type ConfigInput = Input<Config>;
type Input<T> = T extends string | boolean
  ? T
  : T extends number
    ? number | string
    : T extends readonly (infer Item)[]
      ? readonly Input<Item>[]
      : { readonly [Key in keyof T]?: Input<T[Key]> };

/** What a server is made of. */
export interface MillraceOptions {
  /** Options that differ from the defaults; docs/configuration.md lists them all. Default: none do. */
  readonly config?: ConfigInput;
  /** Where the server logs to. Default: as `log.*` of the configuration says. */
  readonly logger?: Logger;
  /**
   * An HTTP server of yours to serve on, beside what it serves itself, whenever that is added; you listen and close it.
   * Its time limits and its TLS stay its own. An app is none: pass `createServer(app)`, or what `app.listen()` returns.
   * Default: a listener of the server's own, as `http_server.*` says.
   */
  readonly attachTo?: HttpServer;
}

/** How a publication is made. */
export interface PublishOptions {
  /** Labels that travel with the payload. Default: none. */
  readonly tags?: Readonly<Record<string, string>>;
  /** A second publication to the channel with the same key within five minutes is not delivered. Default: no key. */
  readonly idempotencyKey?: string;
}

/** Which part of a channel's history is wanted (docs/recovery.md). */
export interface HistoryOptions {
  /** Publications at most; 0 for none, that is for the position only. Default: all that are kept. */
  readonly limit?: number;
  /** Only those after this position, or before it with `reverse`. Default: from the beginning. */
  readonly since?: StreamPosition;
  /** Newest first. Default: false. */
  readonly reverse?: boolean;
}

/** A publication that a channel has kept. */
export interface KeptPublication {
  /** Its place in the channel's stream, from 1. */
  readonly offset: number;
  /** The payload, byte for byte as it was published. */
  readonly data: Uint8Array;
  readonly tags: Readonly<Record<string, string>>;
  /** The client that published it; undefined for a backend. */
  readonly info: ClientInfo | undefined;
}

/** A part of a channel's history, and where its stream stood at that moment. */
export interface History {
  readonly publications: readonly KeptPublication[];
  readonly position: StreamPosition;
}

/** What a subscription by the backend begins with. */
export interface SubscribeOptions {
  /** JSON for the client, in the push that tells it of the subscription. Default: nothing. */
  readonly data?: JsonValue;
  /** JSON about the subscriber that others in the channel may see. Default: nothing. */
  readonly info?: JsonValue;
  /** When the subscription ends. Default: never. */
  readonly expiresAt?: Date;
}

/** A push server in this process. */
export interface Millrace {
  /**
   * Opens all listeners that the configuration asks for; resolves to where they are. Rejects, with nothing left open,
   * when one of them cannot be opened. Idempotent while the server runs.
   */
  start(): Promise<ServerAddresses>;
  /**
   * Publishes a JSON value, or bytes as they are, to everybody who listens to the channel.
   *
   * Resolves to its place in the channel's stream (offset 0 where the channel keeps no history). Rejects with
   * ClientError 102 for a channel of an unknown namespace, 107 for a payload that the channel does not take, and with
   * TypeError for data that is no JSON and for options that there are not.
   */
  publish(channel: string, data: JsonValue | Uint8Array, options?: PublishOptions): Promise<StreamPosition>;
  /**
   * Reads what a channel has kept, oldest first unless told otherwise.
   *
   * Rejects with ClientError 102 for an unknown namespace, 108 where the channel keeps no history, 112 for a position of
   * another epoch.
   */
  history(channel: string, options?: HistoryOptions): Promise<History>;
  /** Who is in a channel, on all nodes. Rejects with ClientError 102, and 108 where the channel does not keep track. */
  presence(channel: string): Promise<readonly ClientInfo[]>;
  /** Channels with subscribers and how many these are, on all nodes. `pattern` is a glob. Default: all of them. */
  channels(pattern?: string): Promise<ReadonlyMap<string, number>>;
  /**
   * Subscribes all connections of a user to a channel, and tells them. Rejects with ClientError 102 for an unknown
   * namespace.
   */
  subscribe(user: string, channel: string, options?: SubscribeOptions): Promise<void>;
  /** Unsubscribes all connections of a user from a channel, and tells them. */
  unsubscribe(user: string, channel: string): Promise<void>;
  /** Disconnects all connections of a user ("" for the anonymous ones). Default: with 3503, not to come back. */
  disconnect(user: string, reason?: { readonly code: number; readonly reason: string }): Promise<void>;
  /**
   * Follows another configuration as far as a running server can; resolves to the options that have changed and need a
   * restart. Throws ConfigError, and rejects for keys and certificates that cannot be used; then nothing has changed.
   */
  reload(config: ConfigInput): Promise<readonly string[]>;
  /**
   * Tells every client 3001 and closes; resolves to whether all of them left in time. Idempotent. A server that has
   * stopped can be started again; what was in its memory, histories included, is gone.
   */
  stop(): Promise<boolean>;
  /** Stops: `await using server = createServer(…)`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Makes a server; nothing happens until it is started. Throws ConfigError with everything wrong in `config`, and
 * TypeError for other options that there are not.
 *
 * @example
 * ```ts
 * await using server = createServer({
 *   config: { uni_sse: { enabled: true }, client: { token: { hmac_secret_key: process.env.TOKEN_SECRET } } },
 * });
 * const { http } = await server.start();
 * await server.publish("news", { text: "hello" });
 * ```
 *
 * @example On a server that you have already, such as that of an Express app
 * ```ts
 * const web = app.listen(3000);
 * const server = createServer({ attachTo: web, config: { uni_websocket: { enabled: true } } });
 * await server.start();
 * ```
 */
export function createServer(options: MillraceOptions = {}): Millrace {
  checkOptions(options);
  // Whoever writes code is there to mend what is misspelt.
  const load = (values: ConfigInput | undefined): LoadedConfig =>
    loadConfig({ values, refusesUnknown: true });
  const { config, warnings } = load(options.config);
  const logger = options.logger ?? createLogger(config.log, process);
  for (const warning of warnings) logger.warn({}, warning);
  const server = createMillraceServer({ config, logger, attachTo: options.attachTo });
  return {
    start: () => server.start(),
    stop: () => server.stop(),
    async publish(channel, data, { tags, idempotencyKey = "", ...others } = {}) {
      refuseUnknownOptions("publish", others, ["tags", "idempotencyKey"]);
      checkKind("publish", "text", { channel, idempotencyKey });
      return server.node.channels.publish(channel, publicationOf(data, tags), { idempotencyKey });
    },
    async history(channel, { limit = -1, since, reverse = false, ...others } = {}) {
      refuseUnknownOptions("history", others, ["limit", "since", "reverse"]);
      checkKind("history", "text", { channel });
      checkKind("history", "a number", { limit });
      checkKind("history", "true or false", { reverse });
      if (since !== undefined) {
        checkKind("history", "an object", { since });
        checkKind("history", "a number", { "since.offset": since.offset });
        checkKind("history", "text", { "since.epoch": since.epoch });
      }
      const { publications, position } = await server.node.channels.history(channel, {
        limit,
        since,
        reverse,
      });
      return { publications: publications.map(keptPublicationOf), position };
    },
    async presence(channel) {
      checkKind("presence", "text", { channel });
      return [...(await server.node.channels.presence(channel)).values()];
    },
    async channels(pattern) {
      if (pattern !== undefined) checkKind("channels", "text", { pattern });
      return server.node.channels.list({ pattern });
    },
    async subscribe(user, channel, { data, info, expiresAt, ...others } = {}) {
      refuseUnknownOptions("subscribe", others, ["data", "info", "expiresAt"]);
      checkKind("subscribe", "text", { user, channel });
      if (expiresAt !== undefined) checkKind("subscribe", "a date", { expiresAt });
      await server.node.sessions.subscribe(connectionsOf(user), {
        channel,
        grant: {
          data: data === undefined ? undefined : jsonOf("subscribe: JSON has no value for data", data),
          info: info === undefined ? undefined : jsonOf("subscribe: JSON has no value for info", info),
          override: {},
          expireAtSec: expiresAt === undefined ? undefined : expiresAt.getTime() / 1000,
        },
        since: undefined,
      });
    },
    async unsubscribe(user, channel) {
      checkKind("unsubscribe", "text", { user, channel });
      await server.node.sessions.unsubscribe(connectionsOf(user), channel);
    },
    async disconnect(user, reason) {
      checkKind("disconnect", "text", { user });
      if (reason !== undefined) {
        checkKind("disconnect", "an object", { reason });
        checkKind("disconnect", "a number", { "reason.code": reason.code });
        checkKind("disconnect", "text", { "reason.reason": reason.reason });
      }
      const asGiven =
        reason === undefined ? disconnect("forceNoReconnect") : new Disconnect(reason.code, reason.reason);
      await server.node.sessions.disconnect(connectionsOf(user), asGiven, []);
    },
    async reload(values) {
      const next = load(values);
      for (const warning of next.warnings) logger.warn({}, warning);
      return server.reload(next.config);
    },
    async [Symbol.asyncDispose]() {
      await server.stop();
    },
  };
}

function checkOptions(options: MillraceOptions): void {
  refuseUnknownOptions("createServer", options, ["config", "logger", "attachTo"], (name) =>
    Object.hasOwn(parseConfig().config, name) ? "it belongs in `config`" : undefined,
  );
  if (options.attachTo !== undefined) checkHttpServer("attachTo", options.attachTo);
}

function publicationOf(data: JsonValue | Uint8Array, tags: PublishOptions["tags"]): PublicationInit {
  checkKind("publish", "an object", { tags: tags ?? {} });
  for (const [name, tag] of Object.entries<unknown>(tags ?? {})) {
    checkKind("publish", "text", { [`tag ${name}`]: tag });
  }
  if (data instanceof Uint8Array) return { data, tags };
  return { data: jsonOf("publish: JSON has no value for data", data), tags, knownJson: true };
}

function jsonOf(complaint: string, value: JsonValue): Buffer {
  // Its types leave out that it writes nothing for some values.
  const json: string | undefined = JSON.stringify(value);
  if (json === undefined) throw new TypeError(`${complaint} of type ${typeof value}`);
  return Buffer.from(json);
}

function keptPublicationOf({ offset, data, tags = {}, info }: Publication): KeptPublication {
  return { offset, data, tags, info };
}

function connectionsOf(user: string): SessionTarget {
  return { user, client: "", session: "" };
}
