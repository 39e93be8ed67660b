import type { MessageEncoding } from "../../core/bidi-protocol.ts";
import type { Labels } from "../../core/label-filter.ts";
import { OriginPolicy } from "../../http/origin-policy.ts";
import { userChannelName, userOfChannelName } from "./channel-name.ts";
import { createPusherCodec } from "./codec.ts";
import { namespaceOf, type PusherAppConfig } from "./config.ts";

/** Stands between namespace and name in the core, and in no Pusher name. */
const BOUNDARY = ":";
/** Stands before the user of a personal channel in the core. */
const USER_BOUNDARY = "#";
/** Stands before the user in the name of the hidden channel whose presence is the user's connections. */
const WATCH_MARK = "#!";

/** Label of the app's id. */
export const APP_LABEL = "app";

/** One app, and how its channels are called in the core (docs/protocols/pusher.md §7). */
export class PusherApp {
  readonly config: PusherAppConfig;
  /** Namespace of its channels in the core. */
  readonly namespace: string;
  readonly encoding: MessageEncoding;
  /** What its sessions can be told apart by in the Connections API. */
  readonly labels: Labels;
  /** Web pages that may connect; undefined for all. */
  readonly origins: OriginPolicy | undefined;
  readonly #prefix: string;

  /** Throws SyntaxError for a malformed pattern of origins. */
  constructor(config: PusherAppConfig) {
    this.config = config;
    this.namespace = namespaceOf(config);
    this.#prefix = this.namespace + BOUNDARY;
    this.labels = new Map([[APP_LABEL, config.id]]);
    this.origins = config.allowed_origins.length > 0 ? new OriginPolicy(config.allowed_origins) : undefined;
    this.encoding = {
      codec: createPusherCodec(this),
      deltaCodecs: undefined,
      label: "json",
      messages: "text",
      separator: undefined,
    };
  }

  get defaultEvent(): string {
    return this.config.default_event;
  }

  /** The core's channel of a Pusher name: `ns:news` of `news`, `ns:#42` of `#server-to-user-42`. */
  channelOf(name: string): string {
    const user = userOfChannelName(name);
    return this.#prefix + (user === undefined ? name : USER_BOUNDARY + user);
  }

  /** The Pusher name of a channel of the app. */
  nameOf(channel: string): string {
    const rest = channel.slice(this.#prefix.length);
    return rest.startsWith(USER_BOUNDARY) ? userChannelName(rest.slice(USER_BOUNDARY.length)) : rest;
  }

  /** The hidden channel whose presence is a user's connections; no user id begins like that. */
  watchChannelOf(user: string): string {
    return this.#prefix + WATCH_MARK + user;
  }

  /** Whether a channel of the app is such a hidden one. */
  isWatchChannel(channel: string): boolean {
    return channel.startsWith(WATCH_MARK, this.#prefix.length);
  }

  /** Whether it is a channel of the app. */
  owns(channel: string): boolean {
    return channel.startsWith(this.#prefix);
  }
}

/** All apps of the configuration. */
export class PusherApps {
  readonly #byKey = new Map<string, PusherApp>();
  readonly #byId = new Map<string, PusherApp>();
  readonly #byNamespace = new Map<string, PusherApp>();

  constructor(configs: readonly PusherAppConfig[]) {
    for (const app of configs.map((config) => new PusherApp(config))) {
      this.#byKey.set(app.config.key, app);
      this.#byId.set(app.config.id, app);
      this.#byNamespace.set(app.namespace, app);
    }
  }

  withKey(key: string): PusherApp | undefined {
    return this.#byKey.get(key);
  }

  withId(id: string): PusherApp | undefined {
    return this.#byId.get(id);
  }

  /** What an earlier configuration's app is by now; itself where its channels are called something else, or it is gone. */
  currentOf(app: PusherApp): PusherApp {
    const current = this.#byId.get(app.config.id);
    return current?.namespace === app.namespace ? current : app;
  }

  /** The app that a channel of the core belongs to; undefined for channels of no app. */
  ofChannel(channel: string): PusherApp | undefined {
    const boundary = channel.indexOf(BOUNDARY);
    return boundary < 0 ? undefined : this.#byNamespace.get(channel.slice(0, boundary));
  }
}
