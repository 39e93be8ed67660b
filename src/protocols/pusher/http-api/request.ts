import { isUtf8 } from "node:buffer";
import type { IncomingMessage } from "node:http";
import { asBuffer, JsonDecodeError, rawItems, rawMembers } from "../../../lib/json/raw-json.ts";
import { badRequest } from "./endpoint.ts";

const OPEN_BRACKET = 0x5b;

/** What stands before the body of a request. */
export interface RequestHead {
  readonly method: string;
  /** As it was requested, percent-encoding included. */
  readonly path: string;
  readonly query: URLSearchParams;
}

/** Parameters of a request, not looked at yet. */
export type Fields = Readonly<Record<string, unknown>>;

export function headOf({ method = "", url = "" }: IncomingMessage): RequestHead {
  const queryAt = url.indexOf("?");
  return {
    method,
    path: queryAt < 0 ? url : url.slice(0, queryAt),
    query: new URLSearchParams(queryAt < 0 ? "" : url.slice(queryAt)),
  };
}

/** A part of a path as it was meant; as it stands where it is not encoded properly. */
export function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** The parameters of a POST: those of the query, and of the body, which come first (docs/protocols/pusher.md §4.2). */
export function parametersOf(query: URLSearchParams, body: Uint8Array): Fields {
  return { ...queryFields(query), ...(body.length === 0 ? {} : fieldsIn(body)) };
}

/**
 * The members of a JSON object, parsed, but for `data`: that is the text that subscribers get, be it a string or the
 * JSON of another value. It is not parsed and written again, which would change large numbers.
 */
export function fieldsIn(json: Uint8Array): Fields {
  return Object.fromEntries(
    [...membersOf(json)].map(([name, bytes]) => {
      const text = asBuffer(bytes).toString();
      const isText = name === "data" && text !== "null" && !text.startsWith('"');
      return [name, isText ? text : (JSON.parse(text) as unknown)];
    }),
  );
}

/** The items of a list of a JSON object, one by one; undefined where there is no such list. */
export function listIn(json: Uint8Array, name: string): Iterable<Uint8Array> | undefined {
  const list = membersOf(json).get(name);
  return list !== undefined && list[0] === OPEN_BRACKET ? rawItems(list) : undefined;
}

/** The body as text. */
export function textOf(body: Buffer): string {
  if (!isUtf8(body)) throw badRequest("The body is not UTF-8");
  return body.toString();
}

/** Lists are written as `channels[]=a&channels[]=b`. */
function queryFields(query: URLSearchParams): Fields {
  const pairs = Map.groupBy(query, ([name]) => name);
  return Object.fromEntries(
    [...pairs].map(([name, same]) => {
      const values = same.map(([, value]) => value);
      return name.endsWith("[]") ? [name.slice(0, -2), values] : [name, values[0]];
    }),
  );
}

function membersOf(json: Uint8Array): ReadonlyMap<string, Uint8Array> {
  try {
    return rawMembers(json);
  } catch (error) {
    if (!(error instanceof JsonDecodeError)) throw error;
    throw badRequest(`No JSON object, but ${error.message}`);
  }
}
