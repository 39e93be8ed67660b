import { z } from "zod";
import { CommandFailure } from "./cli-io.ts";

/** Where a running server's HTTP API is, and what lets one in. */
export interface ApiAccess {
  /** Without slash at the end: `http://localhost:8000/api`. */
  readonly baseUrl: string;
  readonly key: string;
}

/** Which connections to list; "" for any. */
export interface ConnectionConditions {
  readonly user: string;
  readonly expression: string;
}

/** One connection as far as the command shows it; it has more members, which stay as they are. */
export interface ConnectionFields {
  readonly app_name: string;
  readonly app_version: string;
  readonly transport: string;
  readonly protocol: string;
  readonly user: string;
  readonly connected_at_ms: number;
  /** Its channels are an array where the server has `http_api.connections_channels_as_array`. */
  readonly state?: { readonly channels: Readonly<Record<string, unknown>> | readonly string[] } | undefined;
}

/** One connection with its client id. */
export interface Connection extends ConnectionFields {
  readonly client: string;
}

interface ConnectionsReply {
  readonly error?: { readonly code: number; readonly message: string } | undefined;
  readonly result?:
    | { readonly connections: Readonly<Record<string, ConnectionFields>>; readonly next_cursor: string }
    | undefined;
}

const connectionSchema: z.ZodType<ConnectionFields> = z.looseObject({
  app_name: z.string().default(""),
  app_version: z.string().default(""),
  transport: z.string().default(""),
  protocol: z.string().default(""),
  user: z.string().default(""),
  connected_at_ms: z.number().default(0),
  state: z
    .looseObject({ channels: z.union([z.record(z.string(), z.unknown()), z.array(z.string())]).default({}) })
    .optional(),
});

const replySchema: z.ZodType<ConnectionsReply> = z.object({
  error: z.object({ code: z.number(), message: z.string() }).optional(),
  result: z
    .object({ connections: z.record(z.string(), connectionSchema), next_cursor: z.string().default("") })
    .optional(),
});

const PAGE_SIZE = 1_000;
const TIMEOUT_MS = 15_000;

/** All matching connections, page by page. Rejects with CommandFailure where the server does not answer so. */
export async function* listConnections(
  access: ApiAccess,
  conditions: ConnectionConditions,
): AsyncGenerator<readonly Connection[], void, undefined> {
  let cursor = "";
  do {
    const reply = await post(access, "connections", { ...conditions, limit: PAGE_SIZE, cursor });
    const { error, result } = replySchema.parse(reply);
    if (error !== undefined) throw new CommandFailure(`${error.message} (${error.code})`);
    yield Object.entries(result?.connections ?? {}).map(([client, info]) => ({ client, ...info }));
    cursor = result?.next_cursor ?? "";
  } while (cursor !== "");
}

async function post({ baseUrl, key }: ApiAccess, method: string, request: object): Promise<unknown> {
  const url = `${baseUrl}/${method}`;
  const response = await reach(url, {
    method: "POST",
    headers: { "X-API-Key": key },
    body: JSON.stringify(request),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (response.status === 401) throw new CommandFailure(`${url} refuses the key`);
  if (!response.ok) throw new CommandFailure(`${url} answers with status ${response.status}`);
  try {
    return await response.json();
  } catch (cause) {
    throw new CommandFailure(`${url} does not answer in JSON`, { cause });
  }
}

async function reach(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (cause) {
    const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
    const reason = inner instanceof Error ? inner.message || inner.name : String(inner);
    throw new CommandFailure(`cannot reach ${url}: ${reason}`, { cause });
  }
}
