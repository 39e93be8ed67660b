import { type Config, firstApiKey, pusherNamespaceOf } from "../app/config.ts";
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

interface TryLine {
  readonly label: string;
  readonly command: string;
}

/** Addresses at which "localhost" is reached. */
const LOCAL_ADDRESSES: ReadonlySet<string> = new Set(["", "0.0.0.0", "::", "127.0.0.1"]);

const CHANNEL = "news";
const DATA = '{"text":"hello"}';
const CONSUME = "centrifugal.centrifugo.unistream.CentrifugoUniStream/Consume";
const PUBLISH = "centrifugal.centrifugo.api.CentrifugoApi/Publish";
const BASE64_NOTE = "its JSON has bytes in base64; these are the same";
const TOKEN_LINES: readonly TryLine[] = [
  {
    label: "for another user, subscribed from the start",
    command: `npx millrace gentoken --user 7 --channels ${CHANNEL}`,
  },
];
// By its full name npx finds buf in this project as well as from anywhere else.
const BUF_GRPC = "npx @bufbuild/buf curl --protocol grpc --http2-prior-knowledge";

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
  return [
    "",
    paint(`Listen to channel "${CHANNEL}", each in a terminal of its own:`, "title"),
    ...formatLines(listeners(options), paint),
    paint("Publish to it, from yet another one:", "title"),
    ...formatLines(publishers(options), paint),
    ...(options.keysAreKept && options.token !== undefined
      ? [paint("More tokens:", "title"), ...formatLines(TOKEN_LINES, paint)]
      : []),
    ...pusherPart(options, paint),
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

function listeners({ config, addresses, token }: TryLinesOptions): readonly TryLine[] {
  const request = JSON.stringify({ token, subs: { [CHANNEL]: {} } });
  const http = originOf(addresses.http, config.http_server.tls.enabled);
  const lines: TryLine[] = [];
  if (config.uni_http_stream.enabled && http !== undefined) {
    const command = `curl -N ${http}${config.uni_http_stream.handler_prefix} -d ${quote(request)}`;
    lines.push({ label: "HTTP streaming", command });
  }
  if (config.uni_sse.enabled && http !== undefined) {
    const command = `curl -N -G ${http}${config.uni_sse.handler_prefix} --data-urlencode ${quote(`cf_connect=${request}`)}`;
    lines.push({ label: "Server-Sent Events", command });
  }
  if (config.uni_websocket.enabled && http !== undefined) {
    const url = `${http.replace(/^http/, "ws")}${config.uni_websocket.handler_prefix}`;
    lines.push({ label: "WebSocket", command: `npx wscat -c ${quote(`${url}?cf_connect=${request}`)}` });
  }
  const grpc = originOf(addresses.uniGrpc, config.uni_grpc.tls.enabled);
  if (grpc !== undefined) {
    lines.push({ label: "gRPC", command: `${BUF_GRPC} ${grpc}/${CONSUME} -d ${quote(request)}` });
  }
  return lines;
}

function publishers({ config, addresses }: TryLinesOptions): readonly TryLine[] {
  const { disabled } = config.http_api;
  const base64 = Buffer.from(DATA).toString("base64");
  const protoRequest = JSON.stringify({ channel: CHANNEL, data: base64 });
  const http = disabled ? undefined : apiOriginOf(config, addresses);
  const lines: TryLine[] = [];
  if (http !== undefined) {
    const header = `-H ${quote(`X-API-Key: ${firstApiKey(config.http_api)}`)}`;
    const request = `{"channel":"${CHANNEL}","data":${DATA}}`;
    lines.push({ label: "HTTP", command: publishOverHttp(config, http, request) });
    const type = "-H 'Content-Type: application/json'";
    const command = `curl ${http}/${PUBLISH} ${header} ${type} -d ${quote(protoRequest)}`;
    lines.push({ label: `Connect (${BASE64_NOTE})`, command });
  }
  const grpc = originOf(addresses.grpcApi, config.grpc_api.tls.enabled);
  if (grpc !== undefined) {
    const header = `-H ${quote(`authorization: apikey ${firstApiKey(config.grpc_api)}`)}`;
    lines.push({
      label: `gRPC (${BASE64_NOTE})`,
      command: `${BUF_GRPC} ${header} ${grpc}/${PUBLISH} -d ${quote(protoRequest)}`,
    });
  }
  return lines;
}

/** The same over the Pusher protocol, in the first app; nothing where there is none. */
function pusherPart(options: TryLinesOptions, paint: Paint): readonly string[] {
  const { config, addresses } = options;
  const http = originOf(addresses.http, config.http_server.tls.enabled);
  const app = config.pusher.enabled ? config.pusher.apps.find(({ enabled }) => enabled) : undefined;
  if (app === undefined || http === undefined) return [];
  const title = `Pusher clients: app_id ${app.id}, key ${app.key}, secret ${app.secret}`;
  return [paint(title, "title"), ...formatLines(pusherLines(options, app, http), paint)];
}

function pusherLines(
  { config, addresses }: TryLinesOptions,
  app: Config["pusher"]["apps"][number],
  http: string,
): readonly TryLine[] {
  const url = `${http.replace(/^http/, "ws")}${config.pusher.path_prefix}/app/${app.key}?protocol=7`;
  const subscribe = `{"event":"pusher:subscribe","data":{"channel":"${CHANNEL}"}}`;
  const listen = `npx wscat -c ${quote(url)} -w -1 -x ${quote(subscribe)}`;
  const lines: TryLine[] = [{ label: `listen to "${CHANNEL}", as pusher-js does`, command: listen }];
  const api = config.http_api.disabled ? undefined : apiOriginOf(config, addresses);
  if (api !== undefined) {
    const channel = `${pusherNamespaceOf(app)}:${CHANNEL}`;
    const request = `{"channel":"${channel}","tags":{"event":"greeting"},"data":${DATA}}`;
    lines.push({
      label: `publish to it, "${channel}" elsewhere`,
      command: publishOverHttp(config, api, request),
    });
  }
  return lines;
}

function publishOverHttp({ http_api: api }: Config, http: string, request: string): string {
  const header = quote(`X-API-Key: ${firstApiKey(api)}`);
  return `curl ${http}${api.handler_prefix}/publish -H ${header} -d ${quote(request)}`;
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

/** Text as one word of a POSIX shell. */
function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
