import type { Message } from "@bufbuild/protobuf";
import { badRequest, ClientError, clientError } from "../../core/client-error.ts";
import { sendEmpty } from "../../http/http-app.ts";
import type { RequestHandler } from "../../http/route.ts";
import { decodeMessage } from "../../lib/json/decode-message.ts";
import type { MessageEncoder } from "../../lib/json/encode-message.ts";
import { JsonDecodeError } from "../../lib/json/json-decode-error.ts";
import { jsonValues } from "../../lib/json/raw-json.ts";
import { JsonOrigin } from "../call-origin.ts";
import type { HttpDoorOptions } from "../http-door.ts";
import type { ApiMethod, CallOrigin } from "../method.ts";
import type { ServerApi } from "../server-api.ts";
import { errorJson } from "./encoder.ts";
import { createJsonEndpoint } from "./json-endpoint.ts";
import { type LegacyCommand, readLegacyCommand } from "./legacy-command.ts";

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
