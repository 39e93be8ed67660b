import type { CodeTransformsConfig } from "../config/sections/code-transforms.ts";
import type { ClientError } from "../core/client-error.ts";
import { Disconnect, type DisconnectName, disconnect } from "../core/disconnect.ts";
import { refusalOf } from "../core/refusal.ts";

/** What a unidirectional client is told instead of an error. */
export interface DisconnectTarget {
  readonly code: number;
  readonly reason: string;
}

/** Errors that mean something to a client that can only be disconnected; all others are the server's fault. */
const DISCONNECTS: ReadonlyMap<number, DisconnectName> = new Map([
  [103, "permissionDenied"],
  [109, "expired"],
  [110, "expired"],
  [111, "tooManyRequests"],
]);

/**
 * What a failed connect is to unidirectional clients, which receive no error replies
 * (docs/protocols/unidirectional.md §5.4).
 */
export class ConnectFailureMap {
  readonly #transforms: ReadonlyMap<number, Disconnect>;

  /** Section `client.connect_code_to_unidirectional_disconnect`. */
  constructor(options: CodeTransformsConfig<DisconnectTarget>) {
    const transforms = new Map<number, Disconnect>();
    for (const { code, to } of options.enabled ? options.transforms : []) {
      if (!transforms.has(code)) transforms.set(code, new Disconnect(to.code, to.reason));
    }
    this.#transforms = transforms;
  }

  /** The disconnect for a failure: itself, or what the configuration or else the table has for the error. */
  asDisconnect(failure: ClientError | Disconnect): Disconnect {
    if (failure instanceof Disconnect) return failure;
    const configured = this.#transforms.get(failure.code);
    if (configured !== undefined)
      return new Disconnect(configured.code, configured.reason, { cause: failure });
    if (refusalOf(failure)?.reason === "token_not_yet_valid") return disconnect("notYetValid", failure);
    return disconnect(DISCONNECTS.get(failure.code) ?? "serverError", failure);
  }
}
