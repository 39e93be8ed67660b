import { isJson } from "../lib/json/raw-json.ts";
import type { ClientInfo } from "./client-info.ts";

/** The parts of a publication that its publisher chooses. */
export interface PublicationInit {
  /** The payload as received; never parsed or re-serialised on its way. */
  readonly data: Uint8Array;
  /** String labels that travel with the payload. */
  readonly tags?: Readonly<Record<string, string>> | undefined;
  /** The publishing client; unset for publications made through the server API. */
  readonly info?: ClientInfo | undefined;
  /** The publisher's own count of the channel's states, 64 bits; 0 for none, the default. */
  readonly version?: bigint;
  /** True where the source has already parsed `data` as JSON. */
  readonly knownJson?: boolean;
}

/** Data in a channel. Immutable: one object serves every subscriber. */
export class Publication {
  readonly data: Uint8Array;
  readonly tags: Readonly<Record<string, string>> | undefined;
  readonly info: ClientInfo | undefined;
  readonly version: bigint;
  /** Place in the channel's stream, from 1; 0 where the channel keeps no history. */
  readonly offset: number;
  /** Epoch of the stream; "" where the channel keeps no history. */
  readonly epoch: string;
  #json: boolean | undefined;

  constructor(init: PublicationInit, offset = 0, epoch = "") {
    this.data = init.data;
    this.tags = init.tags;
    this.info = init.info;
    this.version = init.version ?? 0n;
    this.offset = offset;
    this.epoch = epoch;
    this.#json = init.knownJson === true ? true : undefined;
  }

  /** True where it is known already that `data` is JSON. */
  get knownJson(): boolean {
    return this.#json === true;
  }

  /** Whether `data` is one valid JSON value; looked at once, on first demand. */
  get isJson(): boolean {
    this.#json ??= isJson(this.data);
    return this.#json;
  }
}
