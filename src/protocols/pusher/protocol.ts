import type { Disconnect } from "../../core/disconnect.ts";
import type { LogFields } from "../../core/logger.ts";
import type { ClientRefusal } from "../../core/refusal.ts";
import type {
  Farewell,
  PingingTransport,
  SocketConnection,
  SocketHost,
  SocketProtocol,
  SocketRequest,
} from "../../core/socket-protocol.ts";
import type { Codec } from "../../core/wire-format.ts";
import type { PusherApp } from "./app.ts";
import { farewellOf, pusherClose } from "./close.ts";
import type { PusherContext } from "./context.ts";
import { type ClientApplication, PusherConversation } from "./conversation.ts";
import { newClientId } from "./socket-id.ts";

/** Versions of the protocol that are spoken (docs/protocols/pusher.md §1.1). */
const OLDEST_VERSION = 4;
const NEWEST_VERSION = 7;
/** Of clients that do not say: what is told to older ones does not hurt newer ones. */
const FALLBACK_VERSION = 5;

/** Pusher's protocol over the channels of a node. */
export class PusherProtocol implements SocketProtocol {
  readonly name = "pusher";
  readonly subprotocols: readonly string[] = [];
  readonly #context: PusherContext;

  constructor(context: PusherContext) {
    this.#context = context;
  }

  /** Connections that are not wanted are opened all the same: clients react to codes of close frames only. */
  hostOf(request: SocketRequest): SocketHost {
    const app = this.#context.apps.get().withKey(decodeName(request.name));
    if (app === undefined) return new RefusingHost(this.#context, UNKNOWN_KEY, request);
    const refusal = this.#refusalBy(app, request);
    if (refusal !== undefined) return new RefusingHost(this.#context, refusal, request, app);
    return new AppHost(this.#context, app, request);
  }

  #refusalBy(app: PusherApp, { query, header }: SocketRequest): PusherRefusal | undefined {
    const versionProblem = problemOfVersion(query);
    if (versionProblem !== undefined) return ["pusher_protocol_version", versionProblem];
    if (!app.config.enabled)
      return ["pusher_app_disabled", pusherClose("disabledApp", "The app is disabled")];
    if (app.origins?.allows(header("origin")) === false) {
      return ["pusher_origin_not_allowed", pusherClose("unauthorized", "The origin is not allowed")];
    }
    if (this.#context.gate.admits()) return undefined;
    return ["connection_limit", pusherClose("overCapacity", "The server is over capacity")];
  }
}

/** Why a connection is not wanted, to the log and to its client. */
type PusherRefusal = readonly [reason: ClientRefusal, close: Disconnect];

const UNKNOWN_KEY: PusherRefusal = [
  "pusher_unknown_key",
  pusherClose("unknownApp", "There is no app with this key"),
];

/** Opens the connections of one app. */
class AppHost implements SocketHost {
  readonly #context: PusherContext;
  readonly #app: PusherApp;
  readonly #application: ClientApplication;

  constructor(context: PusherContext, app: PusherApp, { query }: SocketRequest) {
    this.#context = context;
    this.#app = app;
    // The request itself is not to stay in memory as long as the connection.
    this.#application = {
      name: query.get("client") ?? "",
      version: query.get("version") ?? "",
      protocol: versionOf(query),
    };
  }

  get codec(): PusherApp["codec"] {
    return this.#app.codec;
  }

  farewell(reason: Disconnect): Farewell {
    return farewellOf(reason, this.#application.protocol);
  }

  accept(transport: PingingTransport): SocketConnection {
    const session = this.#context.node.sessions.open(transport, newClientId());
    const conversation = new PusherConversation(this.#context, this.#app, session, transport);
    conversation.start(this.#application);
    return conversation;
  }
}

/** Of connections that are told nothing but why they end. */
const WORDLESS: Codec = { id: "pusher-refusal", encode: () => undefined };

/** Ends every connection at once. */
class RefusingHost implements SocketHost {
  readonly codec = WORDLESS;
  readonly #context: PusherContext;
  readonly #refusal: PusherRefusal;
  readonly #version: number;
  readonly #fields: LogFields;

  constructor(
    context: PusherContext,
    refusal: PusherRefusal,
    { query, header }: SocketRequest,
    app?: PusherApp,
  ) {
    this.#context = context;
    this.#refusal = refusal;
    this.#version = versionOf(query);
    this.#fields = {
      app: app?.config.id,
      origin: header("origin"),
      protocol: query.get("protocol") ?? undefined,
    };
  }

  farewell(reason: Disconnect): Farewell {
    return farewellOf(reason, this.#version);
  }

  accept(transport: PingingTransport): SocketConnection {
    const [reason, close] = this.#refusal;
    this.#context.refusals.note(reason, { address: transport.peerAddress, ...this.#fields });
    transport.close(close);
    return { heard: () => undefined, received: () => undefined, closed: () => undefined };
  }
}

/** NaN for what is no number. */
function versionOf(query: URLSearchParams): number {
  return Number(query.get("protocol") ?? FALLBACK_VERSION);
}

function problemOfVersion(query: URLSearchParams): Disconnect | undefined {
  const version = query.get("protocol");
  if (version === null) return undefined;
  if (!/^\d+$/u.test(version)) return pusherClose("badVersion", "The protocol version is not a number");
  const isSpoken = Number(version) >= OLDEST_VERSION && Number(version) <= NEWEST_VERSION;
  return isSpoken
    ? undefined
    : pusherClose(
        "unsupportedVersion",
        `Protocol versions ${OLDEST_VERSION} to ${NEWEST_VERSION} are supported`,
      );
}

function decodeName(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
