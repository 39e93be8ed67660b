import {
  type BidiHost,
  type BidiProtocol,
  type BidiRequest,
  type CloseMessage,
  refusingHost,
} from "../../core/bidi-protocol.ts";
import { Disconnect } from "../../core/disconnect.ts";
import type { RefusalLog } from "../../core/refusal-log.ts";

/** Clients take it as the reason that they give up for; JSON would be advice to them. */
const NOT_AVAILABLE = new Disconnect(3508, "not available: this server has no bidirectional transports");
const NO_MESSAGE = new Uint8Array(0);

/**
 * Centrifugo's bidirectional protocol, which is not spoken: its clients are told so for good, where they would try
 * again for ever if there were nothing at its path.
 */
export class BidirectionalProtocol implements BidiProtocol {
  readonly name = "websocket";
  /** Browsers fail a connection whose subprotocol is not taken, and never see why it ended. */
  readonly subprotocols: readonly string[] = ["centrifuge-json", "centrifuge-protobuf"];
  readonly #refusals: RefusalLog;

  constructor(refusals: RefusalLog) {
    this.#refusals = refusals;
  }

  /** Whoever takes a connection ends it at once. */
  open({ origin }: BidiRequest): BidiHost {
    return refusingHost(NOT_AVAILABLE, closeMessageOf, (address) =>
      this.#refusals.note("bidirectional_client", { address, origin }),
    );
  }
}

function closeMessageOf({ code, reason }: Disconnect): CloseMessage {
  return { message: NO_MESSAGE, code, reason };
}
