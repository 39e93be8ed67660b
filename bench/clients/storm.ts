import { createHmac } from "node:crypto";
import { nowMicros, serveCalls } from "../process/host.ts";
import { webSocketOpening } from "../wire/opening.ts";
import { KEPT_CHANNEL, pathOf, TOKEN_SECRET } from "../wire/transport.ts";
import { StormClient } from "./storm-client.ts";

/** Clients that come all at once, with the position that they have seen. */
export interface StormOptions {
  readonly port: number;
  readonly connections: number;
  /** Undefined for clients that are new. */
  readonly since: { readonly offset: number; readonly epoch: string } | undefined;
}

/** What they got. */
export interface StormResult {
  readonly connected: number;
  readonly recovered: number;
  /** Publications in all connect pushes together. */
  readonly publications: number;
  /** From the first one's start until the last one was connected. */
  readonly wallMicros: number;
}

/** The driver's view of the clients. */
export interface StormMethods {
  /** Connects all clients at once; resolves when the last one has been told that it is connected. */
  run(options: StormOptions): Promise<StormResult>;
  /** Closes them. */
  leave(): Promise<void>;
}

interface ConnectPush {
  readonly connect?: {
    readonly subs?: Readonly<
      Record<string, { readonly recovered?: boolean; readonly publications?: readonly unknown[] }>
    >;
  };
}

let clients: readonly StormClient[] = [];

serveCalls<StormMethods>({
  async run({ port, connections, since }) {
    const sub = since === undefined ? {} : { recover: true, ...since };
    const openings = Array.from({ length: connections }, (_, client) => {
      const request = { token: tokenOf(`user${client}`), subs: { [KEPT_CHANNEL]: sub } };
      return webSocketOpening(pathOf("uni_websocket"), JSON.stringify(request));
    });
    const startedAt = nowMicros();
    clients = openings.map((opening) => new StormClient(port, opening));
    const answers = await Promise.all(clients.map(({ answer }) => answer));
    const wallMicros = nowMicros() - startedAt;
    const subscriptions = answers.map(subscriptionIn);
    return {
      connected: subscriptions.length,
      recovered: subscriptions.filter(({ recovered }) => recovered === true).length,
      publications: subscriptions.reduce((sum, { publications }) => sum + (publications?.length ?? 0), 0),
      wallMicros,
    };
  },
  async leave() {
    for (const client of clients) client.close();
    clients = [];
  },
});

type Subscription = NonNullable<NonNullable<ConnectPush["connect"]>["subs"]>[string];

function subscriptionIn(answer: string): Subscription {
  if (!answer.startsWith("{")) throw new Error(`no connect push: ${answer.slice(0, 300)}`);
  // What the server under test sends is looked at by the driver.
  const { connect: push } = JSON.parse(answer) as ConnectPush;
  const [subscription] = Object.values(push?.subs ?? {});
  if (subscription === undefined) throw new Error(`no subscription: ${answer.slice(0, 300)}`);
  return subscription;
}

/** A connection token (RFC 7519), signed with HS256. */
function tokenOf(user: string): string {
  const parts = [{ alg: "HS256", typ: "JWT" }, { sub: user }].map((part) =>
    Buffer.from(JSON.stringify(part)).toString("base64url"),
  );
  const signed = parts.join(".");
  return `${signed}.${createHmac("sha256", TOKEN_SECRET).update(signed).digest("base64url")}`;
}
