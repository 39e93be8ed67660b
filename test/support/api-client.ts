import type { ConfigInput, RunningServer } from "./running-server.ts";

/** Key of the server API in tests. */
export const API_KEY = "api-key";
/** Serves the server API over HTTP to callers with that key. */
export const API_CONFIG: NonNullable<ConfigInput["http_api"]> = { key: API_KEY };

/** What the server API answered. */
export interface ApiAnswer {
  readonly status: number;
  readonly text: string;
}

/** A page of a channel's history as the API shows it. */
export interface HistoryJson {
  readonly publications: readonly { readonly data: unknown; readonly offset?: number }[];
  readonly epoch: string;
  readonly offset: number;
}

type Target = Pick<RunningServer, "origin">;

/** Calls a method of the server API, "" for the legacy endpoint. The body is text as it is, anything else as JSON. */
export async function callApi(
  server: Target,
  method: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<ApiAnswer> {
  const response = await fetch(`${server.origin}/api${method === "" ? "" : `/${method}`}`, {
    method: "POST",
    headers: { "X-API-Key": API_KEY, ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  return { status: response.status, text: await response.text() };
}

/** Calls a method of the server API; resolves to the JSON of its answer: `{ result }` or `{ error }`. */
export async function askApi(server: Target, method: string, request: unknown): Promise<unknown> {
  return JSON.parse((await callApi(server, method, request)).text);
}

/** The code of the error that a call is answered with; 0 for a result. */
export async function apiCodeOf(server: Target, method: string, request: unknown): Promise<number> {
  const answer: { readonly error?: { readonly code: number } } = JSON.parse(
    (await callApi(server, method, request)).text,
  );
  return answer.error?.code ?? 0;
}

/** Reads a channel's history; by default all that is kept of it. */
export async function readHistory(
  server: Target,
  channel: string,
  filter: Readonly<Record<string, unknown>> = { limit: -1 },
): Promise<HistoryJson> {
  const { text } = await callApi(server, "history", { channel, ...filter });
  const answer: { readonly result?: HistoryJson } = JSON.parse(text);
  if (answer.result === undefined) throw new Error(`no history: ${text}`);
  return answer.result;
}

/** Offsets of the publications that a read of a channel's history gives, in their order. */
export async function offsetsOf(
  server: Target,
  channel: string,
  filter?: Readonly<Record<string, unknown>>,
): Promise<(number | undefined)[]> {
  return (await readHistory(server, channel, filter)).publications.map(({ offset }) => offset);
}

/** Publishes the numbers from `first` to `last` through the API, one after the other. */
export async function publishNumbers(
  server: Target,
  channel: string,
  first: number,
  last: number,
): Promise<void> {
  const commands = Array.from({ length: last - first + 1 }, (_, at) => ({
    publish: { channel, data: first + at },
  }));
  const { text } = await callApi(server, "batch", { commands });
  if (text.includes('"error"')) throw new Error(`not published: ${text}`);
}
