import { asBuffer, JsonDecodeError, rawMembers } from "../../lib/json/raw-json.ts";

/** One message of a client, as far as it can be read. */
export interface ClientMessage {
  readonly event: string;
  /** Undefined where it is none. */
  readonly channel: string | undefined;
  /** JSON text as it came; undefined where there is none. */
  readonly data: string | undefined;
  /** Of the whole message. */
  readonly byteLength: number;
}

/** Reads a message; undefined where it is no JSON object with a name of an event (docs/protocols/pusher.md §1.2). */
export function parseClientMessage(bytes: Uint8Array): ClientMessage | undefined {
  const members = membersOf(bytes);
  const event = parseJson(textOf(members?.get("event")));
  if (typeof event !== "string") return undefined;
  const channel = parseJson(textOf(members?.get("channel")));
  return {
    event: event.toWellFormed(),
    channel: typeof channel === "string" ? channel : undefined,
    data: textOf(members?.get("data")),
    byteLength: bytes.byteLength,
  };
}

/** What a `pusher:` message says: its `data`, which may be an object or a string that holds one. */
export function fieldsOf(data: string | undefined): Readonly<Record<string, unknown>> {
  const value = parseJson(data);
  return (typeof value === "string" ? parseObject(value) : asObject(value)) ?? {};
}

/** Which channel `pusher:unsubscribe` is about: its `data` may also be the bare name. */
export function channelIn(data: string | undefined): unknown {
  const value = parseJson(data);
  if (typeof value !== "string") return fieldsOf(data)["channel"];
  return parseObject(value)?.["channel"] ?? value;
}

/** What a client event carries: a string as it is, and any other value as the JSON text that came. */
export function eventDataOf(data: string | undefined): string {
  if (data === undefined) return "{}";
  // Not parsed and written again: that would change large numbers, and nesting may be deeper than the stack.
  return data.startsWith('"') ? String(parseJson(data)) : data;
}

/** The JSON object in a text; undefined where it holds none. */
export function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  return asObject(parseJson(text));
}

/** The members of the JSON object in a text as JSON texts; undefined where it holds none. */
export function parseRawObject(text: string): ReadonlyMap<string, string> | undefined {
  const members = membersOf(Buffer.from(text));
  return members === undefined
    ? undefined
    : new Map([...members].map(([name, bytes]) => [name, asBuffer(bytes).toString()]));
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function asObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return isObject(value) ? value : undefined;
}

function membersOf(json: Uint8Array): ReadonlyMap<string, Uint8Array> | undefined {
  try {
    return rawMembers(json);
  } catch (error) {
    if (error instanceof JsonDecodeError) return undefined;
    throw error;
  }
}

function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : asBuffer(bytes).toString();
}

function parseJson(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
