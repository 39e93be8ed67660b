import type { ClientError } from "../core/client-error.ts";
import { Disconnect } from "../core/disconnect.ts";

/** Section `connect_code_to_http_response` of a transport. */
export interface ConnectRefusalConfig {
  readonly enabled: boolean;
  readonly transforms: readonly {
    readonly code: number;
    readonly to: { readonly status_code: number; readonly body: string };
  }[];
}

/** Turns a failed connect into an HTTP status, where that is configured (docs/protocols/unidirectional.md §5.4). */
export class ConnectRefusals {
  readonly #config: ConnectRefusalConfig;

  constructor(config: ConnectRefusalConfig) {
    this.#config = config;
  }

  get enabled(): boolean {
    return this.#config.enabled;
  }

  /** Status and body for a failure: those of the first entry with its code, else 500. */
  answer(failure: ClientError | Disconnect): { readonly status: number; readonly body: string } {
    const entry = this.#config.transforms.find(({ code }) => code === failure.code);
    if (entry === undefined) return { status: 500, body: "Internal Server Error" };
    const text = failure instanceof Disconnect ? failure.reason : failure.message;
    return { status: entry.to.status_code, body: entry.to.body || text };
  }
}
