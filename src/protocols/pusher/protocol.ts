import type { Disconnect } from "../../core/disconnect.ts";
import type {
  SocketConnection,
  SocketHost,
  SocketProtocol,
  SocketRequest,
} from "../../core/socket-protocol.ts";
import type { Transport } from "../../core/transport.ts";
import type { Codec } from "../../core/wire-format.ts";
import type { PusherApp } from "./app.ts";
import { farewellOf, pusherClose } from "./close.ts";
import type { PusherContext } from "./context.ts";
import { type ClientApplication, PusherConversation } from "./conversation.ts";
import { newClientId } from "./socket-id.ts";

/** Versions of the protocol that are spoken (pusher §1). */
const OLDEST_VERSION = 4;
const NEWEST_VERSION = 7;

/** Pusher's protocol over the channels of a node. */
export class PusherProtocol implements SocketProtocol {
  readonly name = "pusher";
  readonly #context: PusherContext;

  constructor(context: PusherContext) {
    this.#context = context;
  }

  /** Connections that are not wanted are opened all the same: clients react to codes of close frames only. */
  hostOf(request: SocketRequest): SocketHost {
    const app = this.#context.apps().withKey(decodeName(request.name));
    if (app === undefined) return new Refusal(pusherClose("unknownApp", "There is no app with this key"));
    const problem = versionProblem(request.query) ?? this.#refusalBy(app, request);
    return problem === undefined ? new AppHost(this.#context, app, request) : new Refusal(problem);
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
  readonly farewell = farewellOf;

  constructor(context: PusherContext, app: PusherApp, { query }: SocketRequest) {
    this.#context = context;
    this.#app = app;
    // The request itself is not to stay in memory as long as the connection.
    this.#application = { name: query.get("client") ?? "", version: query.get("version") ?? "" };
  }

  get codec(): PusherApp["codec"] {
    return this.#app.codec;
  }

  accept(transport: Transport): SocketConnection {
    const session = this.#context.node.openSession(transport, newClientId());
    const conversation = new PusherConversation(this.#context, this.#app, session);
    conversation.start(this.#application);
    return conversation;
  }
}

/** Of connections that are told nothing but why they end. */
const WORDLESS: Codec = { id: "pusher-refusal", encode: () => undefined };

/** Ends every connection at once. */
class Refusal implements SocketHost {
  readonly codec = WORDLESS;
  readonly farewell = farewellOf;
  readonly #reason: Disconnect;

  constructor(reason: Disconnect) {
    this.#reason = reason;
  }

  accept(transport: Transport): SocketConnection {
    transport.close(this.#reason);
    return { received: () => undefined, closed: () => undefined };
  }
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
