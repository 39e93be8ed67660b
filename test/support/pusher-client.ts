import Pusher from "pusher";
import PusherJsModule, { type Channel, type Options } from "pusher-js";
import type { ConfigInput, RunningServer } from "./running-server.ts";
import { Signal } from "./signal.ts";

// The package says that it has a default export, but its build for Node is the class itself.
const PusherJs = PusherJsModule as unknown as typeof PusherJsModule.default;

/** The app of these tests; its channels are `chat-app:…` in the core. */
export const APP = { id: "chat-app", key: "app-key", secret: "app-secret" } as const;
const MASTER_KEY = Buffer.alloc(32, 7).toString("base64");

type AppInput = NonNullable<NonNullable<ConfigInput["pusher"]>["apps"]>[number];

/** Serves the app with these options beside the defaults. */
export function pusherConfig(app: Omit<AppInput, "id" | "key" | "secret"> = {}): ConfigInput {
  return { pusher: { enabled: true, apps: [{ ...app, ...APP }] } };
}

/** Pusher's SDK for backends, which signs for clients too. */
export function sdkOf({ port }: Pick<RunningServer, "port">): Pusher {
  const { id: appId, key, secret } = APP;
  const host = { host: "127.0.0.1", port: String(port), useTLS: false };
  return new Pusher({ appId, key, secret, ...host, encryptionMasterKeyBase64: MASTER_KEY });
}

/** Who the user of a client is, to the backend that signs for it. */
export interface PusherUser {
  readonly id: string;
  readonly watchlist?: readonly string[];
}

/** How a client of `pusher-js` connects. */
export interface PusherJsOptions extends Partial<Options> {
  readonly key?: string;
  readonly user?: PusherUser;
}

/** Options that find the server, and sign by its app's secret instead of asking a backend over HTTP. */
export function optionsFor(server: RunningServer, user: PusherUser = { id: "1" }): Options {
  const sdk = sdkOf(server);
  return {
    cluster: "",
    wsHost: "127.0.0.1",
    wsPort: server.port,
    forceTLS: false,
    enabledTransports: ["ws"],
    channelAuthorization: {
      endpoint: "",
      transport: "ajax",
      customHandler({ socketId, channelName }, callback) {
        const member = { user_id: user.id, user_info: { name: `user ${user.id}` } };
        const data = channelName.startsWith("presence-") ? member : undefined;
        callback(null, sdk.authorizeChannel(socketId, channelName, data));
      },
    },
    userAuthentication: {
      endpoint: "",
      transport: "ajax",
      customHandler({ socketId }, callback) {
        callback(null, sdk.authenticateUser(socketId, { ...user }));
      },
    },
  };
}

/** The unmodified `pusher-js`, and all that it emits: `<channel> <event> <JSON>`, states as `state <name>`. */
export class PusherJsClient implements Disposable {
  readonly pusher: InstanceType<typeof PusherJs>;
  readonly #heard: string[] = [];
  readonly #signal = new Signal();

  constructor(server: RunningServer, { key = APP.key, user, ...options }: PusherJsOptions = {}) {
    this.pusher = new PusherJs(key, { ...optionsFor(server, user), ...options });
    const { connection } = this.pusher;
    connection.bind("state_change", ({ current }: { readonly current: string }) =>
      this.note(`state ${current}`),
    );
    connection.bind("error", (error: unknown) => this.note(`error ${JSON.stringify(error)}`));
  }

  /** Connects a client. */
  static async connect(server: RunningServer, options: PusherJsOptions = {}): Promise<PusherJsClient> {
    const client = new PusherJsClient(server, options);
    await client.until("state connected");
    return client;
  }

  /** All that was heard so far. */
  get heard(): readonly string[] {
    return this.#heard;
  }

  get socketId(): string {
    return this.pusher.connection.socket_id;
  }

  note(text: string): void {
    this.#heard.push(text);
    this.#signal.notify();
  }

  /** Listens to everything in a channel, subscribed or not. */
  listen(name: string): Channel {
    const channel = this.pusher.subscribe(name);
    channel.bind_global((event: string, data: unknown) =>
      this.note(`${name} ${event} ${JSON.stringify(data)}`),
    );
    return channel;
  }

  /** The same, and waits for the subscription. */
  async subscribe(name: string): Promise<Channel> {
    const channel = this.listen(name);
    await this.until(`${name} pusher:subscription_succeeded`);
    return channel;
  }

  /** Resolves to the first text heard that begins like that, once there is one. */
  async until(beginning: string): Promise<string> {
    return this.untilAfter(0, beginning);
  }

  /** The same, but for so many texts at first. */
  async untilAfter(count: number, beginning: string, limitMs?: number): Promise<string> {
    const find = (): string | undefined =>
      this.#heard.slice(count).find((text) => text.startsWith(beginning));
    await this.#signal.until(() => find() !== undefined, beginning, limitMs);
    return find() ?? "";
  }

  /** Events of a channel so far, with their data. */
  eventsOf(channel: string): readonly string[] {
    return this.#heard
      .filter((text) => text.startsWith(`${channel} `))
      .map((text) => text.slice(channel.length + 1));
  }

  [Symbol.dispose](): void {
    this.pusher.disconnect();
  }
}
