import type { Ambient } from "../core/ambient.ts";
import type { ChannelEvents as ChannelEventSource } from "../core/channel-events.ts";
import { derive, type Live, memberOf } from "../core/live.ts";
import type { RefusalLog } from "../core/refusal-log.ts";
import type { SharedLimits } from "../core/shared-limits.ts";
import { pathOf, peerAddressOf } from "../http/client-address.ts";
import type { ConnectionGate } from "../http/connection-gate.ts";
import type { Route } from "../http/http-app.ts";
import type { ServerNode } from "../node/server-node.ts";
import { AddressLimits } from "../protocols/pusher/address-limits.ts";
import { PusherApps } from "../protocols/pusher/app.ts";
import type { PusherConfig } from "../protocols/pusher/config.ts";
import { createPusherApiRoutes } from "../protocols/pusher/http-api/routes.ts";
import { PusherProtocol } from "../protocols/pusher/protocol.ts";
import { ChannelEvents } from "../protocols/pusher/webhooks/channel-events.ts";
import { createPost, type WebhookEvent, type WebhookSink } from "../protocols/pusher/webhooks/request.ts";
import { Webhooks } from "../protocols/pusher/webhooks/webhooks.ts";
import { createWebSocketRoutes } from "../transports/websocket/index.ts";

/** What Pusher's protocol is put together from. */
export interface PusherParts {
  readonly config: Live<PusherConfig>;
  /** The apps of the configuration. */
  readonly apps: Live<PusherApps>;
  /** What happens to channels. */
  readonly events: ChannelEventSource;
  readonly node: ServerNode;
  readonly ambient: Ambient;
}

/** Where what happens in the channels of apps is told of: here, or in another process. */
export interface PusherEvents {
  readonly webhooks: WebhookSink;
  close(deadline: AbortSignal): Promise<void>;
}

export type ConnectPusher = (parts: PusherParts) => PusherEvents;

/** Webhooks, and what channels are told, of all nodes. */
export class LocalPusherEvents implements PusherEvents {
  readonly webhooks: Webhooks;
  readonly #channelEvents: ChannelEvents;
  readonly #apps: Live<PusherApps>;

  constructor({ config, apps, events, node, ambient }: PusherParts) {
    this.#apps = apps;
    const { enabled, webhooks: delivery } = config.get();
    this.webhooks = new Webhooks({ ...ambient, delivery, post: createPost(delivery.request_timeout) });
    this.#channelEvents = new ChannelEvents({ ...ambient, node, webhooks: this.webhooks, apps });
    if (enabled) events.add(this.#channelEvents);
  }

  /** Takes an event of an app from another process. */
  emit(appId: string, event: WebhookEvent): void {
    const app = this.#apps.get().withId(appId);
    if (app !== undefined) this.webhooks.emit(app, event);
  }

  async close(deadline: AbortSignal): Promise<void> {
    this.#channelEvents.close();
    await this.webhooks.close(deadline);
  }
}

/** Pusher's part of a server. */
export interface PusherAssembly {
  readonly routes: readonly Route[];
  close(deadline: AbortSignal): Promise<void>;
}

/** The apps that a configuration has. */
export function pusherAppsOf(config: Live<PusherConfig>): Live<PusherApps> {
  return derive(config, ({ apps }) => new PusherApps(apps));
}

/** Serves the protocol and its HTTP API as the configuration says. */
export function assemblePusher(
  parts: Omit<PusherParts, "apps"> & {
    readonly gate: ConnectionGate;
    readonly sharedLimits: SharedLimits;
    readonly refusals: RefusalLog;
  },
  connect: ConnectPusher,
): PusherAssembly {
  const { config, node, ambient, gate, sharedLimits, refusals } = parts;
  const {
    enabled,
    path_prefix: prefix,
    message_size_limit: sizeLimit,
    write_timeout: writeTimeoutMs,
  } = config.get();
  if (!enabled) return { routes: [], close: () => Promise.resolve() };
  const apps = pusherAppsOf(config);
  const events = connect({ ...parts, apps });
  const limits = new AddressLimits(memberOf(config, "rate_limiter"), ambient.clock, sharedLimits);
  const context = {
    ...ambient,
    node,
    refusals,
    gate,
    config,
    apps,
    webhooks: events.webhooks,
  };
  return {
    routes: [
      ...createWebSocketRoutes(
        {
          wheel: ambient.wheel,
          admits(request) {
            if (limits.take("websocket", request).allowed) return undefined;
            refusals.note("pusher_rate_limit", { address: peerAddressOf(request), path: pathOf(request) });
            return 429;
          },
        },
        {
          protocol: new PusherProtocol(context),
          path: `${prefix}/app/`,
          isPrefix: true,
          messageSizeLimit: sizeLimit,
          writeTimeoutMs,
          compression: undefined,
        },
      ),
      ...createPusherApiRoutes({
        ...context,
        sharedLimits,
        admits: (request) => limits.take("api", request),
      }),
    ],
    close: (deadline) => events.close(deadline),
  };
}
