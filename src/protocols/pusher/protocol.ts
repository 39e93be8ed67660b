import {
  type BidiHost,
  type BidiProtocol,
  type BidiRequest,
  refusingHost,
} from "../../core/bidi-protocol.ts";
import type { Disconnect } from "../../core/disconnect.ts";
import type { ClientRefusal } from "../../core/refusal.ts";
import type { PusherApp } from "./app.ts";
import { newClientId } from "./channel-name.ts";
import type { PusherContext } from "./context.ts";
import { PusherConversation } from "./conversation.ts";
import { closeMessagesOf, pusherClose } from "./frames.ts";

/** Versions of the protocol that are spoken (docs/protocols/pusher.md §1.1). */
const OLDEST_VERSION = 4;
const NEWEST_VERSION = 7;
/** Of clients that do not say: what is told to older ones does not hurt newer ones. */
const FALLBACK_VERSION = 5;
/** The protocol has no connect request for them to stand in. */
const NO_EMULATED_HEADERS: ReadonlyMap<string, string> = new Map();

/** Pusher's protocol over the channels of a node. */
export class PusherProtocol implements BidiProtocol {
  readonly name = "pusher";
  readonly subprotocols: readonly string[] = [];
  readonly #context: PusherContext;

  constructor(context: PusherContext) {
    this.#context = context;
  }

  /** Connections that are not wanted are opened all the same: clients react to codes of close frames only. */
  open(request: BidiRequest): BidiHost {
    const app = this.#context.apps.get().withKey(decodeName(request.name));
    if (app === undefined) return this.#refuse(UNKNOWN_KEY, request);
    const refusal = refusalBy(app, request);
    return refusal === undefined ? this.#host(app, request) : this.#refuse(refusal, request, app);
  }

  #host(app: PusherApp, request: BidiRequest): BidiHost {
    const { query } = request;
    const protocol = versionOf(query);
    return {
      settings: {
        encoding: app.encoding,
        pingIntervalMs: 0,
        heartbeat: undefined,
        sendsDisconnectPush: false,
        closeMessage: closeMessagesOf(protocol),
      },
      accept: (transport) => {
        const { gate, node } = this.#context;
        if (!gate.admits()) return this.#refuse(OVER_CAPACITY, request, app).accept(transport);
        const session = node.sessions.open(transport, newClientId());
        node.backend.keepHeaders(session, request.headers, NO_EMULATED_HEADERS);
        const conversation = new PusherConversation(this.#context, app, session, transport);
        const [name, version] = [query.get("client") ?? "", query.get("version") ?? ""];
        conversation.start({ name, version, protocol });
        return conversation;
      },
    };
  }

  #refuse([reason, close]: PusherRefusal, { query, origin }: BidiRequest, app?: PusherApp): BidiHost {
    const protocol = query.get("protocol") ?? undefined;
    return refusingHost(close, closeMessagesOf(versionOf(query)), (address) =>
      this.#context.refusals.note(reason, { address, app: app?.config.id, origin, protocol }),
    );
  }
}

/** Why a connection is not wanted, to the log and to its client. */
type PusherRefusal = readonly [reason: ClientRefusal, close: Disconnect];

const UNKNOWN_KEY: PusherRefusal = [
  "pusher_unknown_key",
  pusherClose("unknownApp", "There is no app with this key"),
];
const OVER_CAPACITY: PusherRefusal = [
  "connection_limit",
  pusherClose("overCapacity", "The server is over capacity"),
];

function refusalBy(
  { config, origins }: PusherApp,
  { query, origin }: BidiRequest,
): PusherRefusal | undefined {
  const versionProblem = problemOfVersion(query);
  if (versionProblem !== undefined) return ["pusher_protocol_version", versionProblem];
  if (!config.enabled) return ["pusher_app_disabled", pusherClose("disabledApp", "The app is disabled")];
  if (origins?.allows(origin) === false) {
    return ["pusher_origin_not_allowed", pusherClose("unauthorized", "The origin is not allowed")];
  }
  return undefined;
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
