import { type Config, httpPublishCommand } from "../app/config.ts";
import { edgeTryLines } from "../app/edges.ts";
import type { Edge, TryContext, TryLine } from "../config/edge.ts";
import { internalListener } from "../config/sections/http-server.ts";
import type { ListenerAddress, ServerAddresses } from "../app/server.ts";

/** What the lines are made of. */
export interface TryLinesOptions {
  readonly config: Config;
  readonly addresses: ServerAddresses;
  /** A connection token that the server accepts; undefined when there is none to be had. */
  readonly token: string | undefined;
  /** Whether commands beside the server know its keys. */
  readonly keysAreKept: boolean;
  readonly isColoured: boolean;
}

/** Addresses at which "localhost" is reached. */
const LOCAL_ADDRESSES: ReadonlySet<string> = new Set(["", "0.0.0.0", "::", "127.0.0.1"]);

const CHANNEL = "news";
const DATA = '{"text":"hello"}';
const TOKEN_LINES: readonly TryLine[] = [
  {
    label: "for another user, subscribed from the start",
    command: `npx millrace gentoken --user 7 --channels ${CHANNEL}`,
  },
];

/** Where to see the page of a development server; "" where it is of no use, with no address of this machine alone. */
export function formatPageLine({
  config,
  addresses,
  isColoured,
}: Omit<TryLinesOptions, "token" | "keysAreKept">): string {
  const origin = originOf(addresses.http, config.http_server.tls.enabled);
  if (origin === undefined || !LOCAL_ORIGIN.test(origin)) return "";
  const line = `Open ${origin}/ in a browser to see it work.`;
  return `${isColoured ? paintForTerminal(line, "title") : line}\n`;
}

/** Commands to paste into other terminals: listening on each transport, publishing through each door. */
export function formatTryLines(options: TryLinesOptions): string {
  const paint = options.isColoured ? paintForTerminal : (text: string): string => text;
  const context = contextOf(options);
  const linesOf = (role: Edge<string, unknown>["role"]): readonly TryLine[] =>
    edgeTryLines(options.config, (edge) => edge.role === role && edge.name !== "pusher", context);
  return [
    "",
    paint(`Listen to channel "${CHANNEL}", each in a terminal of its own:`, "title"),
    ...formatLines(linesOf("transport"), paint),
    paint("Publish to it, from yet another one:", "title"),
    ...formatLines(linesOf("api"), paint),
    ...(options.keysAreKept && options.token !== undefined
      ? [paint("More tokens:", "title"), ...formatLines(TOKEN_LINES, paint)]
      : []),
    ...pusherPart(options, context, paint),
    "",
  ].join("\n");
}

const LOCAL_ORIGIN = /^https?:\/\/(?:localhost|127\.\d+\.\d+\.\d+|\[::1\]):/u;

type Paint = (text: string, role: "title" | "label") => string;

function paintForTerminal(text: string, role: "title" | "label"): string {
  return role === "title" ? `\x1b[1m${text}\x1b[0m` : `\x1b[2m${text}\x1b[0m`;
}

function formatLines(lines: readonly TryLine[], paint: Paint): readonly string[] {
  return lines
    .flatMap(({ label, command }) => ["", paint(`  # ${label}`, "label"), `  ${command}`])
    .concat("");
}

/** The same over the Pusher protocol; nothing where there is none. */
function pusherPart({ config }: TryLinesOptions, context: TryContext, paint: Paint): readonly string[] {
  const lines = edgeTryLines(config, ({ name }) => name === "pusher", context);
  const app = config.pusher.apps.find(({ enabled }) => enabled);
  if (app === undefined || lines.length === 0) return [];
  const title = `Pusher clients: app_id ${app.id}, key ${app.key}, secret ${app.secret}`;
  return [paint(title, "title"), ...formatLines(lines, paint)];
}

function contextOf({ config, addresses, token }: TryLinesOptions): TryContext {
  const { http_api: api } = config;
  const apiOrigin = api.disabled ? undefined : apiOriginOf(config, addresses);
  return {
    http: originOf(addresses.http, config.http_server.tls.enabled),
    api: apiOrigin,
    uniGrpc: originOf(addresses.uniGrpc, config.uni_grpc.tls.enabled),
    grpcApi: originOf(addresses.grpcApi, config.grpc_api.tls.enabled),
    channel: CHANNEL,
    data: DATA,
    connectRequest: JSON.stringify({ token, subs: { [CHANNEL]: {} } }),
    publishCommand: (request) =>
      apiOrigin === undefined ? undefined : httpPublishCommand(apiOrigin, api, request),
  };
}

/** Where the HTTP API is reached: on a listener of its own, if it has one. */
function apiOriginOf(
  { http_server: server, http_api: api }: Config,
  addresses: ServerAddresses,
): string | undefined {
  const internal = api.external ? undefined : internalListener(server);
  if (internal === undefined) return originOf(addresses.http, server.tls.enabled);
  return originOf(addresses.internalHttp, internal.tlsOption !== undefined);
}

/** Where a client on this machine reaches a listener; undefined when there is none. */
function originOf(address: ListenerAddress | undefined, hasTls: boolean): string | undefined {
  if (address === undefined) return undefined;
  const host = LOCAL_ADDRESSES.has(address.host) ? "localhost" : address.host;
  const shown = host.includes(":") ? `[${host}]` : host;
  return `${hasTls ? "https" : "http"}://${shown}:${address.port}`;
}
