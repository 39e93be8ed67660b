import type { Server as HttpServer } from "node:http";
import { type Config, loadConfig, parseConfig } from "./app/config.ts";
import { checkHttpServer, refuseUnknownOptions } from "./app/library-options.ts";
import { createServer as createMillraceServer, type ServerAddresses } from "./app/server.ts";
import { Disconnect, disconnect } from "./core/disconnect.ts";
import type { Logger } from "./core/logger.ts";
import type { PublicationInit } from "./core/publication.ts";
import type { StreamPosition } from "./core/stream-position.ts";
import { createLogger } from "./telemetry/logger.ts";

export type { ListenerAddress, ServerAddresses } from "./app/server.ts";
export { ConfigError } from "./config/config-error.ts";
export { ClientError } from "./core/client-error.ts";
export type { LogFields, Logger } from "./core/logger.ts";
export type { StreamPosition } from "./core/stream-position.ts";

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
  /** Options that differ from the defaults; docs/configuration.md lists them all. */
  readonly config?: ConfigInput;
  /** Where the server logs to; by default as `log.*` of the configuration says. */
  readonly logger?: Logger;
  /**
   * An HTTP server of yours to serve on, beside what it serves itself, whenever that is added; you listen and close it.
   * Its time limits and its TLS stay its own. An app is none: pass `createServer(app)`, or what `app.listen()` returns.
   */
  readonly attachTo?: HttpServer;
}

/** How a publication is made. */
export interface PublishOptions {
  /** Labels that travel with the payload. */
  readonly tags?: Readonly<Record<string, string>>;
  /** A second publication to the channel with the same key within five minutes is not delivered. */
  readonly idempotencyKey?: string;
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
  /** Disconnects all connections of a user ("" for the anonymous ones), by default with 3503. */
  disconnect(user: string, reason?: { readonly code: number; readonly reason: string }): Promise<void>;
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
 */
export function createServer(options: MillraceOptions = {}): Millrace {
  checkOptions(options);
  // Whoever writes code is there to mend what is misspelt.
  const { config, warnings } = loadConfig({ values: options.config, refusesUnknown: true });
  const logger = options.logger ?? createLogger(config.log, process);
  for (const warning of warnings) logger.warn({}, warning);
  const server = createMillraceServer({ config, logger, attachTo: options.attachTo });
  return {
    start: () => server.start(),
    stop: () => server.stop(),
    async publish(channel, data, { tags, idempotencyKey = "", ...others } = {}) {
      refuseUnknownOptions("publish", others, ["tags", "idempotencyKey"]);
      return server.node.channels.publish(channel, publicationOf(data, tags), { idempotencyKey });
    },
    async disconnect(user, reason) {
      const target = { user, client: "", session: "" };
      const asGiven =
        reason === undefined ? disconnect("forceNoReconnect") : new Disconnect(reason.code, reason.reason);
      await server.node.sessions.disconnect(target, asGiven, []);
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
  for (const [name, tag] of Object.entries<unknown>(tags ?? {})) {
    if (typeof tag !== "string")
      throw new TypeError(`publish: tag ${name}: expected text, got ${typeof tag}`);
  }
  if (data instanceof Uint8Array) return { data, tags };
  // Its types leave out that it writes nothing for some values.
  const json: string | undefined = JSON.stringify(data);
  if (json === undefined) throw new TypeError(`publish: JSON has no value for data of type ${typeof data}`);
  return { data: Buffer.from(json), tags, knownJson: true };
}
