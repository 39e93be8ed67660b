import type { Disconnect } from "../../core/disconnect.ts";
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

/** Versions of the protocol that are spoken (pusher §1). */
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
    const app = this.#context.apps().withKey(decodeName(request.name));
    if (app === undefined) return refuse(request, pusherClose("unknownApp", "There is no app with this key"));
    const problem = versionProblem(request.query) ?? this.#refusalBy(app, request);
    return problem === undefined ? new AppHost(this.#context, app, request) : refuse(request, problem);
  }

  #refusalBy(app: PusherApp, request: SocketRequest): Disconnect | undefined {
    if (!app.config.enabled) return pusherClose("disabledApp", "The app is disabled");
    if (app.origins?.allows(request.header("origin")) === false) {
      return pusherClose("unauthorized", "The origin is not allowed");
    }
    return this.#context.gate.admits()
      ? undefined
      : pusherClose("overCapacity", "The server is over capacity");
  }
}

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
    const session = this.#context.node.openSession(transport, newClientId());
    const conversation = new PusherConversation(this.#context, this.#app, session, transport);
    conversation.start(this.#application);
    return conversation;
  }
}

/** Of connections that are told nothing but why they end. */
const WORDLESS: Codec = { id: "pusher-refusal", encode: () => undefined };

/** Ends every connection at once. */
class Refusal implements SocketHost {
  readonly codec = WORDLESS;
  readonly #reason: Disconnect;
  readonly #version: number;

  constructor(reason: Disconnect, version: number) {
    this.#reason = reason;
    this.#version = version;
  }

  farewell(reason: Disconnect): Farewell {
    return farewellOf(reason, this.#version);
  }

  accept(transport: PingingTransport): SocketConnection {
    transport.close(this.#reason);
    return { heard: () => undefined, received: () => undefined, closed: () => undefined };
  }
}

function refuse({ query }: SocketRequest, reason: Disconnect): SocketHost {
  return new Refusal(reason, versionOf(query));
}

/** NaN for what is no number. */
function versionOf(query: URLSearchParams): number {
  return Number(query.get("protocol") ?? FALLBACK_VERSION);
}

function versionProblem(query: URLSearchParams): Disconnect | undefined {
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
