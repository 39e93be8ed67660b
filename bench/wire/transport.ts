/** The transports and protocols under test, by the names of their configuration sections. */
export const TRANSPORTS = ["uni_websocket", "uni_http_stream", "uni_sse", "uni_grpc", "pusher"] as const;

export type TransportName = (typeof TRANSPORTS)[number];

/** Everything stays on this address. */
export const LOOPBACK = "127.0.0.1";

/** The one channel of the fan-out scenarios. */
export const CHANNEL = "bench";

/** The app of Pusher clients, and the namespace of its channels. */
export const PUSHER_APP = { id: "app", key: "key", secret: "secret", namespace: "app" };

/** The channel of the fan-out as the server knows it. */
export function publishChannel(transport: TransportName): string {
  return transport === "pusher" ? `${PUSHER_APP.namespace}:${CHANNEL}` : CHANNEL;
}

/** Path of the transport on the HTTP port, or of the gRPC method. */
export function pathOf(transport: TransportName): string {
  if (transport === "uni_grpc") return "/centrifugal.centrifugo.unistream.CentrifugoUniStream/Consume";
  if (transport === "pusher") return `/app/${PUSHER_APP.key}?protocol=7&client=bench&version=1.0.0`;
  return `/connection/${transport}`;
}

/** A channel that keeps history, in a namespace of its own. */
export const KEPT_NAMESPACE = "kept";
export const KEPT_CHANNEL: string = `${KEPT_NAMESPACE}:${CHANNEL}`;

/** The channel of one slow client, whose messages are for nobody else. */
export function floodChannel(client: number): string {
  return `flood${client}`;
}

/** What tokens of clients are signed with. */
export const TOKEN_SECRET = "a secret that is long enough for HS256";
