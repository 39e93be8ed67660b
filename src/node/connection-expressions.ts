import { badRequest } from "../core/client-error.ts";
import type { SubscriptionSource } from "../core/token-verifier.ts";
import type { CelPredicate } from "../lib/cel/cel-compiler.ts";
import type { Session } from "../session/session.ts";
import { channelsOf } from "./connection-scan.ts";

/** Whether a session is meant. */
export type ConnectionPredicate = (session: Session) => boolean;

/** What compiles CEL for connections. */
type Compile = (expression: string) => CelPredicate;

const MAX_COMPILED = 256;

/** Conditions on connections in CEL (docs/connections.md); the compiled ones are kept, the latest 256 of them. */
export class ConnectionExpressions {
  /** Least recently used first. */
  readonly #compiled = new Map<string, CelPredicate>();
  #compiler: Promise<Compile> | undefined;

  /** Rejects with ClientError 107 for an expression that cannot be used. */
  async compile(expression: string): Promise<ConnectionPredicate> {
    const holds = await this.#predicateOf(expression);
    const variables = new ConnectionVariables();
    return (session) => holds(variables.of(session));
  }

  async #predicateOf(expression: string): Promise<CelPredicate> {
    // The library costs 80 ms and 27 MB, which those who never use it should not pay.
    this.#compiler ??= loadCompiler();
    const compile = await this.#compiler;
    const holds = this.#compiled.get(expression) ?? compile(expression);
    this.#compiled.delete(expression);
    this.#compiled.set(expression, holds);
    const [oldest] = this.#compiled.keys();
    if (this.#compiled.size > MAX_COMPILED && oldest !== undefined) this.#compiled.delete(oldest);
    return holds;
  }
}

async function loadCompiler(): Promise<Compile> {
  const { CelCompiler, CelExpressionError } = await import("../lib/cel/cel-compiler.ts");
  const { CelScalar, mapType } = await import("@bufbuild/cel");
  const { DYN, INT, STRING } = CelScalar;
  const compiler = new CelCompiler({
    user: STRING,
    client: STRING,
    session: STRING,
    channels: mapType(STRING, mapType(STRING, INT)),
    meta: mapType(STRING, DYN),
    labels: mapType(STRING, STRING),
    app_name: STRING,
    app_version: STRING,
    transport: STRING,
    protocol: STRING,
    connected_at_ms: INT,
  });
  return (expression) => {
    try {
      return compiler.compile(expression);
    } catch (error) {
      if (!(error instanceof CelExpressionError)) throw error;
      throw badRequest("expression", error.message);
    }
  };
}

/**
 * The variables of an expression, for one session after the other; what is not asked for is not made. Macros ask for
 * the same ones many times.
 */
class ConnectionVariables {
  #session: Session | undefined;
  #channels: ReadonlyMap<string, ReadonlyMap<string, bigint>> | undefined;
  #meta: ReadonlyMap<string, unknown> | undefined;

  of(session: Session): this {
    this.#session = session;
    this.#channels = undefined;
    this.#meta = undefined;
    return this;
  }

  get user(): string {
    return this.#current.user;
  }

  get client(): string {
    return this.#current.id;
  }

  get session(): string {
    return this.#current.secretId;
  }

  get channels(): ReadonlyMap<string, ReadonlyMap<string, bigint>> {
    return (this.#channels ??= describeChannels(this.#current));
  }

  get meta(): ReadonlyMap<string, unknown> {
    return (this.#meta ??= readMeta(this.#current));
  }

  get labels(): ReadonlyMap<string, string> {
    return this.#current.identity.labels;
  }

  get app_name(): string {
    return this.#current.identity.appName;
  }

  get app_version(): string {
    return this.#current.identity.appVersion;
  }

  get transport(): string {
    return this.#current.transport.name;
  }

  get protocol(): string {
    return this.#current.transport.protocol;
  }

  get connected_at_ms(): bigint {
    return BigInt(this.#current.connectedAtMs);
  }

  get #current(): Session {
    if (this.#session === undefined) throw new Error("no session");
    return this.#session;
  }
}

function describeChannels(session: Session): ReadonlyMap<string, ReadonlyMap<string, bigint>> {
  const channels = new Map<string, ReadonlyMap<string, bigint>>();
  for (const [channel, source] of channelsOf(session)) channels.set(channel, describeSource(source));
  return channels;
}

function readMeta(session: Session): ReadonlyMap<string, unknown> {
  const { meta } = session.identity;
  const value = meta === undefined ? undefined : celValueOf(JSON.parse(Buffer.from(meta).toString()));
  return value instanceof Map ? value : new Map();
}

/** Descriptions of sources, made once. */
const SOURCES = new Map<SubscriptionSource, ReadonlyMap<string, bigint>>();

function describeSource(source: SubscriptionSource): ReadonlyMap<string, bigint> {
  let described = SOURCES.get(source);
  if (described === undefined) {
    described = new Map([["source", BigInt(source)]]);
    SOURCES.set(source, described);
  }
  return described;
}

/** JSON as CEL has it: objects are maps, and whole numbers are integers. */
function celValueOf(json: unknown): unknown {
  if (typeof json === "number") return Number.isSafeInteger(json) ? BigInt(json) : json;
  if (Array.isArray(json)) return json.map(celValueOf);
  if (typeof json !== "object" || json === null) return json;
  return new Map(Object.entries(json).map(([name, value]) => [name, celValueOf(value)]));
}
