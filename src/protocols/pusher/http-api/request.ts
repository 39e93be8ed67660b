import { isUtf8 } from "node:buffer";
import type { IncomingMessage } from "node:http";
import { parseObject } from "../client-message.ts";
import { badRequest } from "./refusal.ts";

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

/** The parameters of a POST: those of the query, and of the body, which come first (pusher §4). */
export function parametersOf(query: URLSearchParams, body: Buffer): Fields {
  return { ...queryFields(query), ...bodyFields(body) };
}

/** The body as text. */
export function textOf(body: Buffer): string {
  if (!isUtf8(body)) throw badRequest("The body is not UTF-8");
  return body.toString();
}

/** Lists are written as `channels[]=a&channels[]=b`. */
function queryFields(query: URLSearchParams): Fields {
  const names = new Set(query.keys());
  return Object.fromEntries(
    [...names].map((name) =>
      name.endsWith("[]") ? [name.slice(0, -2), query.getAll(name)] : [name, query.get(name)],
    ),
  );
}

function bodyFields(body: Buffer): Fields {
  if (body.length === 0) return {};
  const fields = parseObject(textOf(body));
  if (fields === undefined) throw badRequest("The body is no JSON object");
  return fields;
}
