import type { Message } from "@bufbuild/protobuf";
import { CommandSchema } from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import { badRequest, ClientError, clientError } from "../../core/client-error.ts";
import { type RequestHandler, sendEmpty } from "../../http/http-app.ts";
import { decodeMessage } from "../../lib/json/decode-message.ts";
import type { MessageEncoder } from "../../lib/json/encode-message.ts";
import { JsonDecodeError, jsonValues, rawMembers } from "../../lib/json/raw-json.ts";
import { JsonOrigin } from "../call-origin.ts";
import type { HttpDoorOptions } from "../http-door.ts";
import type { ApiMethod, CallOrigin } from "../method.ts";
import type { ServerApi } from "../server-api.ts";
import { createJsonEndpoint, errorJson } from "./json-endpoint.ts";

const EMPTY_OBJECT = Buffer.from("{}");

/**
 * Serves `POST /api`, the API of old clients: concatenated objects with `method` and `params`, run in their
 * order, and as many replies, a line each (docs/protocols/server-api.md §1.6).
 *
 * An object that cannot be read fails the request, although the commands before it have had their effect.
 */
export function createLegacyHandler(api: ServerApi, options: HttpDoorOptions): RequestHandler {
  const methods = new Map(api.methods.map((method) => [method.name, method]));
  return createJsonEndpoint(options, async ({ body, caller, response }) => {
    if (api.isStopping) {
      sendEmpty(response, 503);
      return undefined;
    }
    if (body.length === 0) throw new JsonDecodeError("nothing to read");
    const origin = new JsonOrigin(response, caller);
    const context = { api, methods, encoder: options.encoder, origin };
    const replies: string[] = [];
    for (const json of jsonValues(body)) {
      replies.push(await answerCommand(context, readLegacyCommand(json)));
    }
    return { status: 200, json: replies.join("\n") };
  });
}

/** One object of a legacy request. */
export interface LegacyCommand {
  /** Echoed in the reply; 0 for none. */
  readonly id: number;
  /** snake_case name; undefined for a number that stands for nothing. */
  readonly method: string | undefined;
  /** Raw JSON; undefined when missing. */
  readonly params: Uint8Array | undefined;
}

/**
 * Names by their numbers (docs/protocols/server-api.md §1.6): an order of their own, then that of the fields of a
 * command.
 */
const METHOD_BY_NUMBER: ReadonlyMap<number, string> = new Map([
  ...[
    "publish",
    "broadcast",
    "unsubscribe",
    "disconnect",
    "presence",
    "presence_stats",
    "history",
    "history_remove",
    "channels",
    "info",
    "rpc",
    "subscribe",
    "refresh",
  ].map((name, at) => [at, name] as const),
  ...CommandSchema.fields
    .filter(({ number }) => number >= 17)
    .map(({ number, name }) => [number - 3, name] as const),
]);
const METHODS: ReadonlySet<string> = new Set(METHOD_BY_NUMBER.values());

const INTEGER = /^-?\d{1,10}$/;
const ID_MAX = 2 ** 32 - 1;
const UTF8 = new TextDecoder();

/**
 * Reads one object of a legacy request.
 * @throws JsonDecodeError where the whole request is to be refused
 */
export function readLegacyCommand(json: Uint8Array): LegacyCommand {
  const members = membersOf(json);
  return {
    id: readId(members.get("id")),
    method: readMethod(members.get("method")),
    params: members.get("params"),
  };
}

/** Members by their names in lower case. */
function membersOf(json: Uint8Array): Map<string, Uint8Array> {
  if (UTF8.decode(json) === "null") return new Map();
  return new Map([...rawMembers(json)].map(([name, value]) => [name.toLowerCase(), value]));
}

function readId(json: Uint8Array | undefined): number {
  const token = json === undefined ? "null" : UTF8.decode(json);
  if (token === "null") return 0;
  const id = INTEGER.test(token) ? Number(token) : Number.NaN;
  if (!(id >= 0 && id <= ID_MAX)) throw new JsonDecodeError("expected an unsigned integer", "id");
  return id;
}

function readMethod(json: Uint8Array | undefined): string | undefined {
  const token = json === undefined ? "0" : UTF8.decode(json);
  if (INTEGER.test(token)) return METHOD_BY_NUMBER.get(Number(token));
  const value: unknown = JSON.parse(token);
  const name = typeof value === "string" ? value.toLowerCase() : "";
  if (!METHODS.has(name)) throw new JsonDecodeError("unknown method", "method");
  return name;
}

interface AnswerContext {
  readonly api: ServerApi;
  readonly methods: ReadonlyMap<string, ApiMethod>;
  readonly encoder: MessageEncoder;
  readonly origin: CallOrigin;
}

async function answerCommand(
  { api, methods, encoder, origin }: AnswerContext,
  { id, method: name, params }: LegacyCommand,
): Promise<string> {
  const method = name === undefined ? undefined : methods.get(name);
  if (method === undefined) return errorReply(id, api.refuse(name ?? "", clientError("notFound"), origin));
  const message = readParams(method, params);
  if (message instanceof ClientError) return errorReply(id, api.refuse(method.name, message, origin));
  const outcome = await api.run(method, message, origin);
  if (!outcome.ok) return errorReply(id, outcome.error);
  return reply(id, `"result":${encoder.encode(method.result, outcome.result)}`);
}

/** The request in `params`, or error 107 for bad or missing ones. Those of `info` are not looked at. */
function readParams(method: ApiMethod, params: Uint8Array | undefined): Message | ClientError {
  const json = method.name === "info" ? EMPTY_OBJECT : params;
  if (json === undefined) return badRequest("params", "missing");
  try {
    return decodeMessage(method.rpc.input, json);
  } catch (error) {
    if (error instanceof JsonDecodeError) return badRequest("params", error.message);
    throw error;
  }
}

function errorReply(id: number, error: ClientError): string {
  return reply(id, `"error":${errorJson(error)}`);
}

function reply(id: number, member: string): string {
  return id === 0 ? `{${member}}` : `{"id":${id},${member}}`;
}
