import { ApiKeys, createApiGrpcListener, createApiRoutes, createServerApi } from "../api/index.ts";
import { ConnectAuthenticator } from "../auth/connect-authenticator.ts";
import { ConnectFailureMap } from "../auth/connect-failure.ts";
import { createClientTokenVerifier } from "../auth/token-verifier.ts";
import type { Ambient } from "../core/ambient.ts";
import { derive, LiveValue, memberOf } from "../core/live.ts";
import { RefusalLog } from "../core/refusal-log.ts";
import type { TokenVerifier } from "../core/token-verifier.ts";
import type { GrpcListener } from "../grpc/listener.ts";
import { ConnectionGate, type ConnectionLimits } from "../http/connection-gate.ts";
import type { Route } from "../http/http-app.ts";
import { OriginPolicy } from "../http/origin-policy.ts";
import type { UniEndpointContext } from "../http/uni-endpoint.ts";
import type { TimerWheel } from "../lib/timer-wheel.ts";
import type { ServerNode } from "../node/server-node.ts";
import { BidirectionalProtocol } from "../protocols/centrifugo/bidirectional.ts";
import type { UniSettings } from "../protocols/centrifugo/uni-conversation.ts";
import { createUniProtocol } from "../protocols/centrifugo/uni-protocol.ts";
import { createUniGrpcListener } from "../transports/grpc/index.ts";
import { createWebSocketRoutes } from "../transports/websocket/index.ts";
import type { Config } from "./config.ts";
import { createDevPageRoutes } from "./dev-page.ts";
import { createUniTransportRoutes } from "./edges.ts";
import { createHealthRoutes } from "./health.ts";
import { type HttpRoutes, readServerTls, type ServerTls } from "./http-listeners.ts";
import { createNode, type NodeIdentity } from "./node.ts";
import type { NodePorts } from "./ports.ts";
import { assemblePusher, type ConnectPusher } from "./pusher.ts";
import { CLIENT_VERSION } from "./version.ts";

/** Name of what `client.connection_rate_limit` limits, among nodes. */
const CONNECTION_RATE = "connections";

/** Where clients of Centrifugo's bidirectional protocol go by default. */
const BIDIRECTIONAL_PATH = "/connection/websocket";

/** A server's parts, joined and not started. */
export interface Assembly {
  readonly node: ServerNode;
  readonly routes: HttpRoutes;
  /** What a client's new connection waits for before it is served; undefined for nothing. Does not reject. */
  readonly prepare: () => Promise<void> | undefined;
  readonly tls: ServerTls;
  /** Undefined where switched off. */
  readonly uniGrpc: GrpcListener | undefined;
  readonly grpcApi: GrpcListener | undefined;
  /** Follows a configuration that differs in reloadable options only. Rejects, changing nothing, for unusable keys. */
  reload(config: Config): Promise<void>;
  /** Finishes what outlives the sessions, as far as the deadline allows. To be called once they have ended. */
  close(deadline: AbortSignal): Promise<void>;
}

/** What a server is assembled on. */
export interface AssemblyOptions {
  readonly ports: NodePorts;
  /** Of the node, where it is a part of something. */
  readonly identity?: NodeIdentity;
  /** Where what happens in Pusher's channels is told of. */
  readonly connectPusher: ConnectPusher;
  /** A development server: with the page for whoever develops. */
  readonly isDev: boolean;
}

/** Joins everything that the configuration asks for. Rejects for unusable keys or files. */
export async function assembleServer(
  config: Config,
  ambient: Ambient,
  { ports, identity, connectPusher, isDev }: AssemblyOptions,
): Promise<Assembly> {
  const { events, limits: sharedLimits } = ports;
  const tls = readServerTls(config);
  const { clock, wheel, logger, metrics } = ambient;
  const refusals = new RefusalLog(logger, clock, metrics);
  const verified = new LiveValue(await verify(config, ambient));
  const live = memberOf(verified, "config");
  const node = createNode(live, ports, { ambient, refusals }, identity);
  const protocol = createUniProtocol({
    ...ambient,
    node,
    refusals,
    settings: derive(verified, (current) => uniSettingsOf(current, node)),
  });
  const gate = new ConnectionGate({
    limits: derive(live, connectionLimitsOf),
    connectionCount: () => node.sessions.count,
    clock,
    onTaken: () => sharedLimits.reportTaken(CONNECTION_RATE, "", 1),
  });
  sharedLimits.onTakenElsewhere(CONNECTION_RATE, (_key, count) => gate.note(count));
  const closing = new AbortController();
  const context: UniEndpointContext = {
    protocol,
    gate,
    origins: new OriginPolicy(config.client.allowed_origins),
    refusals,
    wheel,
    pingIntervalMs: config.client.ping_interval,
    pongTimeoutMs: config.client.pong_timeout,
    closing: closing.signal,
  };
  const api = createServerApi({ ...ambient, node, refusals });
  const httpKeys = new ApiKeys("http_api", memberOf(live, "http_api"));
  const grpcKeys = new ApiKeys("grpc_api", memberOf(live, "grpc_api"));
  const apiRoutes = createApiRoutes(api, config.http_api, httpKeys);
  const pusher = assemblePusher(
    { config: memberOf(live, "pusher"), events, node, gate, sharedLimits, refusals, ambient },
    connectPusher,
  );
  return {
    node,
    tls,
    routes: {
      external: [
        // Whatever the configuration has at the same paths comes behind it, and counts.
        ...(isDev ? createDevPageRoutes(live) : []),
        ...createUniTransportRoutes(context, config),
        ...pusher.routes,
        ...(config.http_api.external ? apiRoutes : []),
      ],
      internal: [...createHealthRoutes(config.health), ...(config.http_api.external ? [] : apiRoutes)],
      unserved: createBidirectionalRoutes(wheel, refusals),
    },
    // Whoever has been let in by another node just now counts.
    prepare: () => (limitsConnections(live.get()) ? sharedLimits.catchUp() : undefined),
    uniGrpc: createUniGrpcListener(protocol, config.uni_grpc, { wheel, tls: tls.uniGrpc }),
    grpcApi: createApiGrpcListener(api, config.grpc_api, grpcKeys, tls.grpcApi),
    async reload(next) {
      verified.set(await verify(next, ambient));
    },
    close(deadline) {
      closing.abort();
      return pusher.close(deadline);
    },
  };
}

/** Of clients that want what is not there. */
function createBidirectionalRoutes(wheel: TimerWheel, refusals: RefusalLog): Route[] {
  return createWebSocketRoutes(
    { wheel },
    {
      protocol: new BidirectionalProtocol(refusals),
      path: BIDIRECTIONAL_PATH,
      isPrefix: false,
      messageSizeLimit: 65_536,
      writeTimeoutMs: 1000,
      compression: undefined,
    },
  );
}

/** A configuration with the verifier that it describes, whose keys take time to read. */
interface VerifiedConfig {
  readonly config: Config;
  readonly verifier: TokenVerifier;
}

async function verify(config: Config, { clock, logger }: Ambient): Promise<VerifiedConfig> {
  return { config, verifier: await createClientTokenVerifier(config.client, clock, logger) };
}

function uniSettingsOf({ config: { client }, verifier }: VerifiedConfig, node: ServerNode): UniSettings {
  const personal = client.subscribe_to_user_personal_channel;
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
        ? (user) => node.channels.rules.personalChannelOf(user, personal.personal_channel_namespace)
        : undefined,
    },
  };
}

/** Whether new connections are limited for all nodes together. */
function limitsConnections({ client, pusher }: Config): boolean {
  return (
    client.connection_limit > 0 ||
    client.connection_rate_limit > 0 ||
    (pusher.enabled && pusher.rate_limiter.enabled)
  );
}

function connectionLimitsOf({ client }: Config): ConnectionLimits {
  return { connectionLimit: client.connection_limit, connectionRateLimit: client.connection_rate_limit };
}
