/** One message of a client, as far as it can be read. */
export interface ClientMessage {
  readonly event: string;
  /** Undefined where it is none. */
  readonly channel: string | undefined;
  /** Of the messages of the protocol itself; a string that holds JSON has been read as that. */
  readonly data: unknown;
}

/** Reads a message; undefined where it is no JSON object with a name of an event (pusher §1). */
export function parseClientMessage(bytes: Uint8Array): ClientMessage | undefined {
  const message = parseJson(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString());
  if (!isObject(message)) return undefined;
  const { event, channel, data } = message;
  if (typeof event !== "string") return undefined;
  return { event, channel: typeof channel === "string" ? channel : undefined, data };
}

/** What a `pusher:` message says: its `data`, which may be an object or a string that holds one. */
export function fieldsOf(data: unknown): Readonly<Record<string, unknown>> {
  const value = typeof data === "string" ? parseJson(data) : data;
  return isObject(value) ? value : {};
}

/** The JSON object in a text; undefined where it holds none. */
export function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  const value = parseJson(text);
  return isObject(value) ? value : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
