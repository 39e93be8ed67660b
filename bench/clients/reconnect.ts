import { once } from "node:events";
import { WebSocket } from "ws";
import { serveCalls } from "../process/host.ts";
import { KEPT_CHANNEL, LOOPBACK } from "../wire/transport.ts";

/** Clients that come all at once, with the position that they have seen. */
export interface ReconnectOptions {
  readonly port: number;
  readonly connections: number;
  /** Undefined for clients that are new. */
  readonly since: { readonly offset: number; readonly epoch: string } | undefined;
}

/** What they got. */
export interface ReconnectResult {
  readonly connected: number;
  readonly recovered: number;
  /** Publications in all connect pushes together. */
  readonly publications: number;
}

/** The driver's view of the clients. */
export interface ReconnectMethods {
  /** Connects all clients at once and closes them when the last one has been told that it is connected. */
  run(options: ReconnectOptions): Promise<ReconnectResult>;
}

interface ConnectPush {
  readonly connect?: {
    readonly subs?: Readonly<
      Record<string, { readonly recovered?: boolean; readonly publications?: readonly unknown[] }>
    >;
  };
}

serveCalls<ReconnectMethods>({
  async run({ port, connections, since }) {
    const request = JSON.stringify({
      subs: { [KEPT_CHANNEL]: since === undefined ? {} : { recover: true, ...since } },
    });
    const clients = Array.from({ length: connections }, () => connect(port, request));
    const subscriptions = await Promise.all(clients.map(({ subscribed }) => subscribed));
    const closed = clients.map(({ socket }) => once(socket, "close"));
    for (const { socket } of clients) socket.terminate();
    await Promise.all(closed);
    return {
      connected: subscriptions.length,
      recovered: subscriptions.filter(({ recovered }) => recovered === true).length,
      publications: subscriptions.reduce((sum, { publications }) => sum + (publications?.length ?? 0), 0),
    };
  },
});

type Subscription = NonNullable<NonNullable<ConnectPush["connect"]>["subs"]>[string];

function connect(port: number, request: string): { socket: WebSocket; subscribed: Promise<Subscription> } {
  const socket = new WebSocket(`ws://${LOOPBACK}:${port}/connection/uni_websocket`);
  const subscribed = new Promise<Subscription>((resolve, reject) => {
    socket.once("open", () => socket.send(request));
    socket.once("error", reject);
    socket.once("message", (data: Buffer) => {
      // What the server under test sends is looked at by the driver.
      const { connect: push } = JSON.parse(data.toString()) as ConnectPush;
      const subscription = push?.subs?.[KEPT_CHANNEL];
      if (subscription === undefined) reject(new Error(`no subscription: ${data.toString()}`));
      else resolve(subscription);
    });
  });
  return { socket, subscribed };
}
