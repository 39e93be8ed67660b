import { hostname } from "node:os";
import { createApiGrpcListener, createApiRoutes, createServerApi } from "../api/index.ts";
import { ConnectAuthenticator } from "../auth/connect-authenticator.ts";
import { ConnectFailureMap } from "../auth/connect-failure.ts";
import { createClientTokenVerifier } from "../auth/token-verifier.ts";
import { DEFAULT_IDEMPOTENCY_TTL_MS, MemoryBroker } from "../brokers/memory/memory-broker.ts";
import { MemoryPresenceManager } from "../brokers/memory/memory-presence-manager.ts";
import { systemClock } from "../core/clock.ts";
import { LONE_CONTROLLER } from "../core/controller.ts";
import type { EntryStore } from "../core/entry-store.ts";
import type { Logger } from "../core/logger.ts";
import { LocalQuotas } from "../core/quotas.ts";
import type { GrpcListener } from "../grpc/listener.ts";
import { ConnectionGate, type ConnectionLimits } from "../http/connection-gate.ts";
import { OriginPolicy } from "../http/origin-policy.ts";
import type { UniEndpointContext } from "../http/uni-endpoint.ts";
import { TimerWheel } from "../lib/timer-wheel.ts";
import { ServerNode } from "../node/server-node.ts";
import type { UniSettings } from "../protocols/centrifugo/uni-conversation.ts";
import { createUniProtocol } from "../protocols/centrifugo/uni-protocol.ts";
import { createConnectRoutes } from "../transports/connect/index.ts";
import { createUniGrpcListener } from "../transports/grpc/index.ts";
import { createHttpStreamRoutes } from "../transports/http-stream/index.ts";
import { createSseRoutes } from "../transports/sse/index.ts";
import { createWebSocketRoutes } from "../transports/websocket/index.ts";
import { channelRulesOf } from "./channel-rules.ts";
import type { Config } from "./config.ts";
import { createHealthRoutes } from "./health.ts";
import type { HttpRoutes } from "./http-listeners.ts";
import { openUserRecords, type UserRecords } from "./user-control.ts";
import { CLIENT_VERSION, VERSION } from "./version.ts";

/** How many idempotency keys the memory broker remembers at most. */
const IDEMPOTENCY_MAX_KEYS = 1_000_000;

/** A server's parts, joined and not started. */
export interface Assembly {
  readonly node: ServerNode;
  readonly wheel: TimerWheel;
  /** To be closed last: calls write to it as long as there are any. */
  readonly store: EntryStore;
  readonly routes: HttpRoutes;
  /** Undefined where switched off. */
  readonly uniGrpc: GrpcListener | undefined;
  readonly grpcApi: GrpcListener | undefined;
  /** Follows a new configuration as far as `RELOADABLE` says. Rejects, changing nothing, for unusable keys. */
  reload(config: Config): Promise<void>;
}

/** Joins everything that the configuration asks for: the one list of edges. Rejects for unusable keys or files. */
export async function assembleServer(config: Config, logger: Logger): Promise<Assembly> {
  const wheel = new TimerWheel(systemClock);
  await using cleanup = new AsyncDisposableStack();
  const records = await openUserRecords(config, systemClock, logger);
  cleanup.defer(() => records.store.close());
  const node = createNode(config, logger, wheel, records);
  let settings = await createUniSettings(config, node, logger);
  let limits = connectionLimitsOf(config);
  const protocol = createUniProtocol({ node, clock: systemClock, logger, settings: () => settings });
  const context: UniEndpointContext = {
    protocol,
    gate: new ConnectionGate({
      limits: () => limits,
      connectionCount: () => node.sessionCount,
      clock: systemClock,
    }),
    origins: new OriginPolicy(config.client.allowed_origins),
    wheel,
    pingIntervalMs: config.client.ping_interval,
  };
  const webSocketContext = { ...context, pongTimeoutMs: config.client.pong_timeout };
  const api = createServerApi(node, logger);
  const apiRoutes = createApiRoutes(api, config.http_api);
  cleanup.move();
  return {
    node,
    wheel,
    store: records.store,
    routes: {
      external: [
        ...createWebSocketRoutes(webSocketContext, config.uni_websocket),
        ...createSseRoutes(context, config.uni_sse),
        ...createHttpStreamRoutes(context, config.uni_http_stream),
        ...createConnectRoutes(context, config.uni_grpc.enabled),
        ...(config.http_api.external ? apiRoutes : []),
      ],
      internal: [...createHealthRoutes(config.health), ...(config.http_api.external ? [] : apiRoutes)],
    },
    uniGrpc: createUniGrpcListener(protocol, config.uni_grpc),
    grpcApi: createApiGrpcListener(api, config.grpc_api),
    async reload(next) {
      settings = await createUniSettings(next, node, logger);
      limits = connectionLimitsOf(next);
      node.channelRules = channelRulesOf(next.channel, { ...next.pusher, enabled: config.pusher.enabled });
    },
  };
}

function createNode(config: Config, logger: Logger, wheel: TimerWheel, records: UserRecords): ServerNode {
  const { client } = config;
  return new ServerNode({
    name: config.node.name || `${hostname()}_${config.http_server.port}`,
    version: VERSION,
    broker: new MemoryBroker({
      clock: systemClock,
      idempotencyTtlMs: DEFAULT_IDEMPOTENCY_TTL_MS,
      idempotencyMaxKeys: IDEMPOTENCY_MAX_KEYS,
    }),
    presence: new MemoryPresenceManager(),
    channelRules: channelRulesOf(config.channel, config.pusher),
    clock: systemClock,
    wheel,
    logger,
    random: Math.random,
    controller: LONE_CONTROLLER,
    quotas: new LocalQuotas(),
    access: records.access,
    statuses: records.statuses,
    limits: {
      outboxMaxBytes: client.queue_max_size,
      staleCloseDelayMs: client.stale_close_delay,
      expiredCloseDelayMs: client.expired_close_delay,
      tickIntervalMs: client.presence_update_interval,
      channelLimit: client.channel_limit,
      recoveryMaxPublications: client.recovery_max_publication_limit,
      positionCheckDelayMs: client.channel_position_check_delay,
      expiredSubscriptionCloseDelayMs: client.expired_sub_close_delay,
    },
  });
}

async function createUniSettings({ client }: Config, node: ServerNode, logger: Logger): Promise<UniSettings> {
  const personal = client.subscribe_to_user_personal_channel;
  const verifier = await createClientTokenVerifier(client, systemClock, logger);
  return {
    authenticator: new ConnectAuthenticator(client, verifier),
    failures: new ConnectFailureMap(client.connect_code_to_unidirectional_disconnect),
    options: {
      version: CLIENT_VERSION,
      channelLimit: client.channel_limit,
      userConnectionLimit: client.user_connection_limit,
      singleConnection: personal.enabled && personal.single_connection,
      includeServerTime: client.connect_include_server_time,
      insecure: client.insecure,
      personalChannel: personal.enabled
        ? (user) => node.channelRules.personalChannelOf(user, personal.personal_channel_namespace)
        : undefined,
    },
  };
}

function connectionLimitsOf({ client }: Config): ConnectionLimits {
  return { connectionLimit: client.connection_limit, connectionRateLimit: client.connection_rate_limit };
}
