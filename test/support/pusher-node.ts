import { createHmac } from "node:crypto";
import { channelRulesOf } from "../../src/app/channel-rules.ts";
import { loadConfig } from "../../src/app/config.ts";
import type { BidiConnection, BidiHost, BidiSettings, BidiTransport } from "../../src/core/bidi-protocol.ts";
import type { Disconnect } from "../../src/core/disconnect.ts";
import { LiveValue } from "../../src/core/live.ts";
import { RefusalLog } from "../../src/core/refusal-log.ts";
import { type Codec, WireFormat } from "../../src/core/wire-format.ts";
import { ConnectionGate } from "../../src/http/connection-gate.ts";
import type { ConfigInput } from "../../src/index.ts";
import { PusherApps } from "../../src/protocols/pusher/app.ts";
import type { PusherAppConfig } from "../../src/protocols/pusher/config.ts";
import { PusherProtocol } from "../../src/protocols/pusher/protocol.ts";
import { publishEvent } from "../../src/protocols/pusher/publish-event.ts";
import { ChannelEvents } from "../../src/protocols/pusher/webhooks/channel-events.ts";
import type { WebhookEvent } from "../../src/protocols/pusher/webhooks/request.ts";
import { endOfTurn, FakeTransport, lineFramer } from "./fake-transport.ts";
import { openingHeaders } from "./opening-headers.ts";
import { type LoggedLine, loggerInto, loggerOf } from "./silent-logger.ts";
import { type TestCluster, TestNode } from "./test-node.ts";

/** Options of the apps in tests, beside the defaults. */
export type AppInput = NonNullable<NonNullable<ConfigInput["pusher"]>["apps"]>[number];

/** The first app. Its channels are `one:…` in the core. */
export const ONE = { id: "one", key: "key-1", secret: "secret-1" } as const;
/** The other app, with the same options. */
export const TWO = { id: "two", key: "key-2", secret: "secret-2" } as const;

/** What differs from the defaults. */
export interface PusherTestOptions {
  /** Of both apps. */
  readonly app?: Omit<AppInput, "id" | "key" | "secret">;
  /** Of the section, but for the apps. */
  readonly pusher?: Omit<NonNullable<ConfigInput["pusher"]>, "apps" | "enabled">;
  readonly channel?: ConfigInput["channel"];
  readonly cluster?: TestCluster;
}

/** How a client connects. */
export interface PusherTestClient {
  readonly key?: string;
  readonly query?: string;
  readonly origin?: string;
}

/** A message of the server. */
export interface PusherFrame {
  readonly event: string;
  readonly channel?: string;
  readonly data?: unknown;
  readonly user_id?: unknown;
}

/** A node in memory with Pusher's protocol, on a clock of its own. Keeps what webhooks are to be told. */
export class PusherTestNode {
  readonly test: TestNode;
  readonly apps: LiveValue<PusherApps>;
  readonly webhooks: WebhookEvent[] = [];
  readonly errors: unknown[] = [];
  /** Lines about who was refused. */
  readonly refused: LoggedLine[] = [];
  readonly #protocol: PusherProtocol;
  readonly #formats = new Map<Codec, WireFormat>();

  private constructor(test: TestNode, { app, pusher, channel }: PusherTestOptions) {
    const webhooks = [{ url: "http://127.0.0.1/" }];
    const apps = [ONE, TWO].map((keys) => ({ webhooks, ...app, ...keys }));
    const values: ConfigInput = { pusher: { ...pusher, enabled: true, apps }, channel: channel ?? {} };
    const { config } = loadConfig({ defaults: {}, values });
    const { node, clock, wheel } = test;
    test.rules.set(channelRulesOf(config.channel, config.pusher));
    this.test = test;
    this.apps = new LiveValue(new PusherApps(config.pusher.apps));
    const logger = loggerInto(this.errors);
    const told = { apps: this.apps, webhooks: { emit: this.#keep } };
    test.events.add(new ChannelEvents({ ...told, node, clock, wheel, logger }));
    const limits = new LiveValue({ connectionLimit: 0, connectionRateLimit: 0 });
    this.#protocol = new PusherProtocol({
      ...told,
      node,
      clock,
      wheel,
      logger,
      refusals: new RefusalLog(loggerOf(this.refused), clock),
      gate: new ConnectionGate({ limits, connectionCount: () => 0, clock }),
      config: new LiveValue(config.pusher),
    });
  }

  static async start(options: PusherTestOptions = {}): Promise<PusherTestNode> {
    const { cluster } = options;
    const test = await TestNode.start(cluster === undefined ? {} : { cluster });
    return new PusherTestNode(test, options);
  }

  /** Changes the first app, and forgets the other one, as a reload does. */
  reload(changes: Partial<PusherAppConfig>): void {
    const { config } = this.apps.get().withId(ONE.id) ?? {};
    this.apps.set(new PusherApps(config === undefined ? [] : [{ ...config, ...changes }]));
  }

  /** Connects a client; resolves when it has been welcomed, or not. */
  async connect({ key = ONE.key, query = "", origin = "" }: PusherTestClient = {}): Promise<PusherClient> {
    const host = this.#protocol.open({
      name: key,
      url: `/app/${key}?${query}`,
      query: new URLSearchParams(query),
      origin: origin === "" ? undefined : origin,
      subprotocol: undefined,
      peerAddress: "",
      headers: openingHeaders(),
    });
    const client = new PusherClient(host, this.#formatOf(host.settings.encoding.codec));
    await endOfTurn();
    return client;
  }

  /** Connects a client and takes its welcome. */
  async welcomed(client?: PusherTestClient): Promise<PusherClient> {
    const welcomed = await this.connect(client);
    await welcomed.heard();
    return welcomed;
  }

  /** Triggers an event in a channel of the first app, as backends do. */
  async trigger(channel: string, event: string, data: string, excludeClient = ""): Promise<void> {
    const app = this.apps.get().withId(ONE.id);
    if (app !== undefined) await publishEvent(this.test.node, app, { channel, event, data, excludeClient });
    await endOfTurn();
  }

  /** Names of the webhook events of this name so far, with the member that they are about. */
  told(name: WebhookEvent["name"]): readonly WebhookEvent[] {
    return this.webhooks.filter((event) => event.name === name);
  }

  readonly #keep = (_app: unknown, event: WebhookEvent): void => {
    this.webhooks.push(event);
  };

  #formatOf(codec: Codec): WireFormat {
    let format = this.#formats.get(codec);
    if (format === undefined) {
      format = new WireFormat(codec, lineFramer);
      this.#formats.set(codec, format);
    }
    return format;
  }
}

/** The transport of one client: ends as WebSockets do. */
class PusherTransport extends FakeTransport implements BidiTransport {
  override pingIntervalMs = 0;
  override sendsDisconnectPush = false;
  closeCode: number | undefined;
  /** PING frames so far. */
  pings = 0;
  readonly #settings: BidiSettings;
  readonly #onClosed: () => void;

  constructor(settings: BidiSettings, format: WireFormat, onClosed: () => void) {
    super(format);
    this.#settings = settings;
    this.#onClosed = onClosed;
  }

  override close(reason: Disconnect): void {
    if (this.closeCode !== undefined) return;
    const last = this.#settings.closeMessage(reason);
    if (last === undefined) throw new Error("no close message");
    if (last.message.length > 0) this.write(this.format.frame(last.message));
    this.closeCode = last.code;
    queueMicrotask(this.#onClosed);
  }

  override abort(reason: Disconnect): void {
    this.close(reason);
  }

  ping(): void {
    this.pings += 1;
  }

  dropMessages(): void {}
}

/** One client of a test node. */
export class PusherClient {
  readonly #transport: PusherTransport;
  readonly #connection: BidiConnection;
  #read = 0;
  #socketId = "";

  constructor(host: BidiHost, format: WireFormat) {
    this.#transport = new PusherTransport(host.settings, format, () => this.#connection.closed());
    this.#connection = host.accept(this.#transport);
  }

  /** Of the welcome, once that has been read. */
  get socketId(): string {
    return this.#socketId;
  }

  /** Code of the close frame; undefined while there is none. */
  get closeCode(): number | undefined {
    return this.#transport.closeCode;
  }

  /** The messages since the last call, as they came, once everything has been done that was to be done. */
  async texts(): Promise<string[]> {
    for (let turn = 0; turn < 3; turn++) await endOfTurn();
    const lines = Buffer.concat(this.#transport.writes).toString().split("\n").slice(0, -1);
    const news = lines.slice(this.#read);
    this.#read = lines.length;
    for (const line of news) this.#socketId ||= /socket_id\\":\\"([\d.]+)/u.exec(line)?.[1] ?? "";
    return news;
  }

  async heard(): Promise<PusherFrame[]> {
    return (await this.texts()).map((text) => JSON.parse(text) as PusherFrame);
  }

  /** Names of the events since the last call. */
  async events(): Promise<string[]> {
    return (await this.heard()).map(({ event }) => event);
  }

  /** Sends text as it is, and anything else as JSON. */
  send(message: unknown): void {
    this.sendBytes(Buffer.from(typeof message === "string" ? message : JSON.stringify(message)));
  }

  /** The bytes are overwritten afterwards, as a transport's may be. */
  sendBytes(bytes: Buffer): void {
    this.#connection.heard();
    this.#connection.received(bytes);
    bytes.fill("#");
  }

  /** Sends a frame that is no message: a PING, or a PONG. */
  sendControlFrame(): void {
    this.#connection.heard();
  }

  /** PING frames so far. */
  get pings(): number {
    return this.#transport.pings;
  }

  /** Subscribes with what the message is to carry besides the name; resolves to what is heard. */
  async subscribe(channel: string, fields: object = {}): Promise<PusherFrame[]> {
    this.send({ event: "pusher:subscribe", data: { auth: "", channel, ...fields } });
    return this.heard();
  }

  /** The same with a signature, of the data too if there is any. */
  async join(channel: string, channelData?: string): Promise<PusherFrame[]> {
    return this.subscribe(channel, this.authFor(channel, channelData));
  }

  /** The same as a member of a presence channel. */
  async enter(channel: string, user: unknown, info?: unknown): Promise<PusherFrame[]> {
    return this.join(channel, JSON.stringify({ user_id: user, user_info: info }));
  }

  /** What an endpoint of the first app answers to a client that asks for a channel. */
  authFor(channel: string, channelData?: string): { readonly auth: string; readonly channel_data?: string } {
    const data = channelData === undefined ? {} : { channel_data: channelData };
    const signed = [this.#socketId, channel, ...Object.values(data)].join(":");
    return { auth: `${ONE.key}:${hmac(signed)}`, ...data };
  }

  /** Signs in with the text as the user's data; resolves to what is heard. */
  async signIn(userData: string): Promise<PusherFrame[]> {
    const auth = `${ONE.key}:${hmac(`${this.#socketId}::user::${userData}`)}`;
    this.send({ event: "pusher:signin", data: { auth, user_data: userData } });
    return this.heard();
  }

  /** The client goes. */
  async leave(): Promise<void> {
    this.#connection.closed();
    await endOfTurn();
  }
}

/** The signature of a text with the secret of the first app. */
export function hmac(text: string, secret: string = ONE.secret): string {
  return createHmac("sha256", secret).update(text).digest("hex");
}
