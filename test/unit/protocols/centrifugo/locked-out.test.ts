import { describe, expect, it } from "vitest";
import { ConnectAuthenticator } from "../../../../src/auth/connect-authenticator.ts";
import { ConnectFailureMap } from "../../../../src/auth/connect-failure.ts";
import { MemoryBroker } from "../../../../src/brokers/memory/memory-broker.ts";
import { MemoryLimits } from "../../../../src/brokers/memory/memory-limits.ts";
import { MemoryPresenceManager } from "../../../../src/brokers/memory/memory-presence-manager.ts";
import { NO_OPINION } from "../../../../src/core/backend.ts";
import { ChannelEvents } from "../../../../src/core/channel-events.ts";
import { DEFAULT_CHANNEL_OPTIONS } from "../../../../src/core/channel-options.ts";
import { ChannelRules } from "../../../../src/core/channel-rules.ts";
import { LONE_BUS } from "../../../../src/core/control-bus.ts";
import { NO_LABELS } from "../../../../src/core/label-filter.ts";
import { LiveValue } from "../../../../src/core/live.ts";
import { NO_METRICS } from "../../../../src/core/metrics.ts";
import { type ConnectionToken, PLAIN_GRANT } from "../../../../src/core/token-verifier.ts";
import { TimerWheel } from "../../../../src/lib/timer-wheel.ts";
import { AccessList } from "../../../../src/node/control/access-list.ts";
import { ServerNode } from "../../../../src/node/server-node.ts";
import { createUniProtocol } from "../../../../src/protocols/centrifugo/uni-protocol.ts";
import { VolatileStore } from "../../../../src/stores/memory/volatile-store.ts";
import { FakeClock } from "../../../support/fake-clock.ts";
import { endOfTurn, FakeTransport } from "../../../support/fake-transport.ts";
import { openingHeaders } from "../../../support/opening-headers.ts";
import { silentLogger, silentRefusals } from "../../../support/silent-logger.ts";

const TOKEN: ConnectionToken = {
  user: "42",
  expireAtSec: undefined,
  info: undefined,
  meta: undefined,
  labels: NO_LABELS,
  subscriptions: new Map([["news", PLAIN_GRANT]]),
  tokenId: "jti",
  issuedAtSec: 1000,
};
const RETENTION = { ttlSec: 0, maxEntries: 0 };
const LIMITS = {
  ...{ outboxMaxBytes: 10_000, staleCloseDelayMs: 0, expiredCloseDelayMs: 0, tickIntervalMs: 0 },
  ...{ channelLimit: new LiveValue(0), recoveryMaxPublications: 0, positionCheckDelayMs: 0 },
  expiredSubscriptionCloseDelayMs: 0,
};

function createNode(clock: FakeClock, broker: MemoryBroker, events: ChannelEvents): ServerNode {
  const retention = { blocks: RETENTION, revocations: RETENTION, invalidations: RETENTION };
  const namespaces = { withoutNamespace: DEFAULT_CHANNEL_OPTIONS, namespaces: new Map<string, never>() };
  const names = { namespaceBoundary: ":", privatePrefix: "$", userBoundary: "#", userSeparator: "," };
  return new ServerNode({
    name: "n",
    version: "v",
    broker,
    presence: new MemoryPresenceManager(events),
    channelRules: new LiveValue(new ChannelRules({ ...names, ...namespaces })),
    ambient: {
      ...{ clock, wheel: new TimerWheel(clock), random: () => 0 },
      ...{ logger: silentLogger, metrics: NO_METRICS },
    },
    refusals: silentRefusals,
    limits: LIMITS,
    access: new AccessList({ store: new VolatileStore(), clock, ...retention }),
    events,
    backend: NO_OPINION,
    bus: LONE_BUS,
    heartbeat: undefined,
    sharedLimits: new MemoryLimits(),
    statuses: undefined,
  });
}

/** A client whose token is being verified until `verify` is called, and whose subscription waits for `subscribe`. */
async function connecting() {
  const clock = new FakeClock();
  const verified = Promise.withResolvers<ConnectionToken>();
  const subscribed = Promise.withResolvers<void>();
  const events = new ChannelEvents();
  const broker = new MemoryBroker({ clock, events, idempotencyTtlMs: 1000, idempotencyMaxKeys: 1 });
  broker.subscribe = () => subscribed.promise;
  const node = createNode(clock, broker, events);
  await node.start();
  const verifier = {
    verifyConnection: () => verified.promise,
    verifySubscription: () => Promise.reject(new Error("not asked for")),
  };
  const authentication = { allow_anonymous_connect_without_token: false, insecure: false };
  const authenticator = new ConnectAuthenticator(
    { ...authentication, disallow_anonymous_connection_tokens: false, user_id_http_header: "" },
    verifier,
  );
  const failures = new ConnectFailureMap({ enabled: false, transforms: [] });
  const options = {
    ...{ version: "v", channelLimit: 0, userConnectionLimit: 0, singleConnection: false },
    ...{ includeServerTime: false, insecure: false, personalChannel: undefined },
  };
  const settings = new LiveValue({ authenticator, failures, options });
  const quiet = { logger: silentLogger, refusals: silentRefusals };
  const protocol = createUniProtocol({ node, clock, ...quiet, settings });
  const transport = new FakeTransport();
  const request = {
    ...{ token: "t", data: undefined, headers: new Map(), name: "", version: "" },
    ...{ subs: new Map(), resumeFrom: new Map() },
  };
  protocol.accept(transport).connect(request, openingHeaders());
  await endOfTurn();
  return {
    node,
    transport,
    verify: () => verified.resolve(TOKEN),
    subscribe: () => subscribed.resolve(),
  };
}

const COMMANDS: readonly (readonly [
  name: string,
  run: (node: ServerNode) => Promise<void>,
  refused: number,
  live: number,
])[] = [
  ["block_user", (node) => node.users.block("42", undefined), 3507, 3503],
  ["revoke_token", (node) => node.users.revokeToken("jti", undefined), 3005, 3014],
  [
    "invalidate_user_tokens",
    (node) =>
      node.users.invalidateTokens({
        ...{ user: "42", channel: "", issuedBeforeSec: 1001, expireAtSec: undefined },
      }),
    3005,
    3014,
  ],
];

describe.each(COMMANDS)("%s while a client connects", (_name, run, refused, live) => {
  it("refuses it when its token is being verified", async () => {
    const { node, transport, verify } = await connecting();
    await run(node);
    expect(transport.closedWith).toBeUndefined();
    verify();
    await endOfTurn();
    expect(transport.closedWith?.code).toBe(refused);
    expect(node.sessions.count).toBe(0);
  });

  it("ends it when its channels are being subscribed, and leaves nothing behind", async () => {
    const { node, transport, verify, subscribe } = await connecting();
    verify();
    await endOfTurn();
    expect(node.sessions.count).toBe(1);
    await run(node);
    expect(transport.closedWith?.code).toBe(live);
    subscribe();
    await endOfTurn();
    expect(transport.messages).toHaveLength(1);
    expect(await node.info()).toMatchObject([{ numClients: 0, numUsers: 0, numChannels: 0, numSubs: 0 }]);
  });

  it("ends a session that gets past the first look", async () => {
    const { node } = await connecting();
    await run(node);
    const transport = new FakeTransport();
    const session = node.sessions.open(transport);
    node.sessions.admit(session, { ...TOKEN, source: "token", appName: "", appVersion: "" });
    expect(transport.closedWith?.code).toBe(live);
    expect(node.sessions.count).toBe(0);
  });
});
