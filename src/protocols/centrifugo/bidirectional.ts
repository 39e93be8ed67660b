import { Disconnect } from "../../core/disconnect.ts";
import type {
  Farewell,
  PingingTransport,
  SocketConnection,
  SocketHost,
  SocketProtocol,
  SocketRequest,
} from "../../core/socket-protocol.ts";
import type { RefusalLog } from "../../core/refusal-log.ts";
import type { Codec } from "../../core/wire-format.ts";

/** Clients take it as the reason that they give up for; JSON would be advice to them. */
const NOT_AVAILABLE = new Disconnect(3508, "not available: this server has no bidirectional transports");
const NO_MESSAGE = new Uint8Array(0);
/** Connections are told nothing but why they end. */
const WORDLESS: Codec = { id: "bidirectional-refusal", encode: () => undefined };

/**
 * Centrifugo's bidirectional protocol, which is not spoken: its clients are told so for good, where they would try
 * again for ever if there were nothing at its path.
 */
export class BidirectionalProtocol implements SocketProtocol {
  readonly name = "websocket";
  /** Browsers fail a connection whose subprotocol is not taken, and never see why it ended. */
  readonly subprotocols: readonly string[] = ["centrifuge-json", "centrifuge-protobuf"];
  readonly #refusals: RefusalLog;

  constructor(refusals: RefusalLog) {
    this.#refusals = refusals;
  }

  /** Whoever takes a connection ends it at once. */
  hostOf({ header }: SocketRequest): SocketHost {
    const origin = header("origin");
    return {
      codec: WORDLESS,
      farewell: ({ code, reason }: Disconnect): Farewell => ({ message: NO_MESSAGE, code, reason }),
      accept: (transport: PingingTransport): SocketConnection => {
        this.#refusals.note("bidirectional_client", { address: transport.peerAddress, origin });
        transport.close(NOT_AVAILABLE);
        return { heard: () => undefined, received: () => undefined, closed: () => undefined };
      },
    };
  }
}
