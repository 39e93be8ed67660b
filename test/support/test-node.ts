import { ConnectAuthenticator } from "../../src/auth/connect-authenticator.ts";
import { ConnectFailureMap } from "../../src/auth/connect-failure.ts";
import { MemoryBroker } from "../../src/brokers/memory/memory-broker.ts";
import { MemoryLimits } from "../../src/brokers/memory/memory-limits.ts";
import { MemoryPresenceManager } from "../../src/brokers/memory/memory-presence-manager.ts";
import { type Backend, NO_OPINION } from "../../src/core/backend.ts";
import type { Broker } from "../../src/core/broker.ts";
import { ChannelEvents } from "../../src/core/channel-events.ts";
import {
  type ChannelOptions,
  DEFAULT_CHANNEL_OPTIONS,
  type SubscriptionOverride,
} from "../../src/core/channel-options.ts";
import { ChannelRules } from "../../src/core/channel-rules.ts";
import type { ConnectRequest, OpeningHeaders, SubscriptionRequest } from "../../src/core/connect-request.ts";
import { LONE_BUS } from "../../src/core/control-bus.ts";
import { NO_LABELS } from "../../src/core/label-filter.ts";
import { LiveValue } from "../../src/core/live.ts";
import type { Logger } from "../../src/core/logger.ts";
import { type Metrics, NO_METRICS } from "../../src/core/metrics.ts";
import type { StreamPosition } from "../../src/core/publication.ts";
import { RefusalLog } from "../../src/core/refusal-log.ts";
import { PLAIN_GRANT, type TokenVerifier } from "../../src/core/token-verifier.ts";
import type { UniConnection, UniProtocol } from "../../src/core/uni-protocol.ts";
import { TimerWheel } from "../../src/lib/timer-wheel.ts";
import { AccessList } from "../../src/node/control/access-list.ts";
import type { NodeLimits } from "../../src/node/server-node-options.ts";
import { ServerNode } from "../../src/node/server-node.ts";
import { createUniProtocol } from "../../src/protocols/centrifugo/uni-protocol.ts";
import { VolatileStore } from "../../src/stores/memory/volatile-store.ts";
import { CallGate, gateBroker, gatePresence } from "./call-gate.ts";
import { FakeClock } from "./fake-clock.ts";
import { FakeTransport, lineFormat } from "./fake-transport.ts";
import { openingHeaders } from "./opening-headers.ts";
import { silentLogger } from "./silent-logger.ts";

/** What differs from the defaults of tests. */
export interface TestNodeOptions {
  /** Of all channels. Clients may listen to what they ask for. */
  readonly channels?: Partial<ChannelOptions>;
  readonly limits?: Partial<NodeLimits>;
  readonly logger?: Logger;
  readonly metrics?: Metrics;
  /** What it has in common with other nodes. */
  readonly cluster?: TestCluster;
  /** Whom it asks; nobody by default. */
  readonly backend?: Partial<Backend>;
}

/** What nodes have in common: one clock, a view of the same broker for each, and one presence manager. */
export interface TestCluster {
  readonly clock: FakeClock;
  readonly presence: MemoryPresenceManager;
  newBroker(): Broker;
  /** What a node is told of channels: the first one all that broker and presence manager find out. */
  newEvents(): ChannelEvents;
}

/** A client that connects. */
export interface TestClient {
  /** "" for an anonymous one. */
  readonly user?: string;
  /** Channels of its token, with the options that it changes. */
  readonly grants?: Readonly<Record<string, SubscriptionOverride>>;
  /** Channels it asks for. */
  readonly subs?: Readonly<Record<string, Partial<SubscriptionRequest>>>;
  readonly resumeFrom?: ReadonlyMap<string, StreamPosition>;
  readonly expireAtSec?: number;
  readonly transport?: FakeTransport;
  /** What its request has besides, or instead of the token that says all this. */
  readonly request?: Partial<ConnectRequest>;
  /** Headers that its connection was opened with; none by default. */
  readonly headers?: OpeningHeaders;
}

/** A connection to a test node. */
export interface TestConnection {
  readonly transport: FakeTransport;
  readonly connection: UniConnection;
}

const HISTORY_META_TTL_MS = 3_600_000;
export const LIMITS: NodeLimits = {
  outboxMaxBytes: 100_000,
  staleCloseDelayMs: 10_000,
  expiredCloseDelayMs: 25_000,
  tickIntervalMs: 27_000,
  channelLimit: new LiveValue(128),
  recoveryMaxPublications: 300,
  positionCheckDelayMs: 40_000,
  expiredSubscriptionCloseDelayMs: 25_000,
};
const RETENTION = { ttlSec: 3600, maxEntries: 100 };
const NO_REQUEST: SubscriptionRequest = { recover: false, offset: 0, epoch: "", delta: false };

/** History of this size, for as long as `ttlMs`; lost for good after an hour. */
export function keepHistory(size: number, ttlMs = 600_000): Partial<ChannelOptions> {
  return {
    history: { size, ttlMs, metaTtlMs: HISTORY_META_TTL_MS },
    historyMetaTtlMs: HISTORY_META_TTL_MS,
  };
}

/** A node in memory with the unidirectional protocol, on a clock of its own; broker and presence behind a gate. */
export class TestNode {
  readonly clock: FakeClock;
  readonly gate: CallGate = new CallGate();
  /** What happens to channels. */
  readonly events: ChannelEvents;
  readonly presence: MemoryPresenceManager;
  /** Behind the gate. */
  readonly broker: Broker;
  /** Channels that the node has the broker deliver. */
  readonly subscribed: ReadonlySet<string>;
  readonly wheel: TimerWheel;
  readonly node: ServerNode;
  /** What channel names mean to the node. */
  readonly rules: LiveValue<ChannelRules>;
  readonly protocol: UniProtocol;
  /** One for all clients, as transports have it. */
  readonly format: FakeTransport["format"] = lineFormat();

  private constructor({
    channels,
    limits,
    logger = silentLogger,
    metrics = NO_METRICS,
    cluster,
    backend,
  }: TestNodeOptions) {
    const clock = cluster?.clock ?? new FakeClock();
    const { gate } = this;
    this.clock = clock;
    this.events = cluster?.newEvents() ?? new ChannelEvents();
    const { events } = this;
    this.presence = cluster?.presence ?? new MemoryPresenceManager(events);
    this.wheel = new TimerWheel(clock, 1000);
    const withoutNamespace = {
      ...DEFAULT_CHANNEL_OPTIONS,
      allowSubscribeForClient: true,
      allowSubscribeForAnonymous: true,
      ...channels,
    };
    this.rules = new LiveValue(
      new ChannelRules({
        namespaceBoundary: ":",
        privatePrefix: "$",
        userBoundary: "#",
        userSeparator: ",",
        withoutNamespace,
        namespaces: new Map(),
      }),
    );
    const subscribed = new Set<string>();
    this.subscribed = subscribed;
    this.broker =
      cluster?.newBroker() ??
      new MemoryBroker({ clock, events, idempotencyTtlMs: 300_000, idempotencyMaxKeys: 1000 });
    const refusals = new RefusalLog(logger, clock, metrics);
    this.node = new ServerNode({
      name: "test",
      version: "0",
      broker: gateBroker(this.broker, gate, subscribed),
      presence: gatePresence(this.presence, gate),
      channelRules: this.rules,
      backend: { ...NO_OPINION, ...backend },
      ambient: { clock, wheel: this.wheel, random: () => 0.5, logger, metrics },
      refusals,
      limits: { ...LIMITS, ...limits },
      access: new AccessList({
        store: new VolatileStore(),
        clock,
        blocks: RETENTION,
        revocations: RETENTION,
        invalidations: RETENTION,
      }),
      events: this.events,
      bus: LONE_BUS,
      heartbeat: undefined,
      sharedLimits: new MemoryLimits(),
      statuses: undefined,
    });
    this.protocol = createUniProtocol({
      node: this.node,
      clock,
      logger,
      refusals,
      settings: new LiveValue(SETTINGS),
    });
  }

  static async start(options: TestNodeOptions = {}): Promise<TestNode> {
    const test = new TestNode(options);
    await test.node.start();
    return test;
  }

  /** Connects a client; the outcome shows on its transport. */
  connect({ request, headers = openingHeaders(), ...client }: TestClient = {}): TestConnection {
    const { transport = new FakeTransport(this.format), resumeFrom = new Map() } = client;
    const connection = this.protocol.accept(transport);
    const subs = new Map<string, SubscriptionRequest>();
    for (const [channel, wanted] of Object.entries(client.subs ?? {}))
      subs.set(channel, { ...NO_REQUEST, ...wanted });
    const token = JSON.stringify(client, (key, value: unknown) => (key === "transport" ? undefined : value));
    const plain = { token, data: undefined, headers: new Map(), name: "", version: "", subs, resumeFrom };
    connection.connect({ ...plain, ...request }, headers);
    return { transport, connection };
  }

  /** Publishes JSON; resolves to its position. */
  publish(
    channel: string,
    data: unknown,
    changes: { readonly skipHistory?: boolean; readonly delta?: boolean } = {},
  ): Promise<StreamPosition> {
    return this.node.channels.publish(
      channel,
      { data: Buffer.from(JSON.stringify(data)) },
      { idempotencyKey: "", ...changes },
    );
  }

  /** The same, but that what is to be delivered to the node gets lost. */
  async lose(channel: string, data: unknown): Promise<StreamPosition> {
    await this.broker.unsubscribe([channel]);
    const publishing = this.publish(channel, data);
    if (this.subscribed.has(channel)) await this.broker.subscribe([channel]);
    return publishing;
  }

  /** Connected clients, users, channels, subscriptions. */
  async counts(): Promise<readonly number[]> {
    const [info] = await this.node.info();
    return info === undefined ? [] : [info.numClients, info.numUsers, info.numChannels, info.numSubs];
  }
}

/**
 * What a client was told, push by push: `connect`, `pub c 1`, `join c 42`, `subscribe c`, `disconnect 3004`; pings
 * left out.
 */
export function heardBy({ messages }: FakeTransport): string[] {
  return messages.flatMap((message) => {
    const { channel = "", ...push } = message as PushJson;
    if (push.pub !== undefined) return [`pub ${channel} ${JSON.stringify(push.pub.data)}`];
    if (push.join !== undefined) return [`join ${channel} ${push.join.info.user}`];
    if (push.leave !== undefined) return [`leave ${channel} ${push.leave.info.user}`];
    if (push.disconnect !== undefined) return [`disconnect ${push.disconnect.code}`];
    return Object.keys(push).map((kind) => (channel === "" ? kind : `${kind} ${channel}`));
  });
}

/** The pushes whose insides tests look at. */
interface PushJson {
  readonly channel?: string;
  readonly pub?: { readonly data: unknown };
  readonly join?: { readonly info: { readonly user: string } };
  readonly leave?: { readonly info: { readonly user: string } };
  readonly disconnect?: { readonly code: number };
}

/** Believes whatever `TestNode.connect` puts into a token. */
const believer: TokenVerifier = {
  async verifyConnection(token) {
    const { user = "", grants = {}, expireAtSec } = JSON.parse(token) as TestClient;
    const subscriptions = new Map(
      Object.entries(grants).map(([channel, override]) => [channel, { ...PLAIN_GRANT, override }]),
    );
    const nothing = { info: undefined, meta: undefined, labels: NO_LABELS, tokenId: "", issuedAtSec: 0 };
    return { ...nothing, user, subscriptions, expireAtSec };
  },
  async verifySubscription() {
    throw new Error("not needed");
  },
};

const SETTINGS = {
  authenticator: new ConnectAuthenticator(
    {
      allow_anonymous_connect_without_token: true,
      disallow_anonymous_connection_tokens: false,
      user_id_http_header: "",
      insecure: false,
    },
    believer,
  ),
  failures: new ConnectFailureMap({ enabled: false, transforms: [] }),
  options: {
    version: "0 OSS",
    channelLimit: 128,
    userConnectionLimit: 0,
    singleConnection: false,
    includeServerTime: false,
    insecure: false,
    personalChannel: undefined,
  },
};
