import { isJson } from "../lib/json/raw-json.ts";
import type { PublicationDataFormat } from "./channel-options.ts";

/** What other clients of a channel may know about one client. */
export interface ClientInfo {
  /** User id; "" for an anonymous user. */
  readonly user: string;
  /** Client id: a UUID, new for each connection. */
  readonly client: string;
  /** Raw JSON attached to the connection by its token. */
  readonly connInfo: Uint8Array | undefined;
  /** Raw JSON attached to this subscription. */
  readonly chanInfo: Uint8Array | undefined;
}

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

const SPACE = 0x20;
const OPEN_BRACE = 0x7b;

/** Whether channels with this `publication_data_format` take the publication's payload. */
export function acceptsData(format: PublicationDataFormat, publication: PublicationInit): boolean {
  const { data } = publication;
  switch (format) {
    case "":
      return data.length > 0;
    case "binary":
      return true;
    case "json":
      return isJsonPayload(publication);
    case "json_object":
      return isJsonPayload(publication) && data[data.findIndex((byte) => byte > SPACE)] === OPEN_BRACE;
  }
}

/** What is wrong with data that a channel does not take, by its `publication_data_format`. */
export const UNACCEPTABLE_DATA: Readonly<Record<PublicationDataFormat, string>> = {
  "": "missing",
  binary: "missing",
  json: "not JSON, which publication_data_format asks for",
  json_object: "not a JSON object, which publication_data_format asks for",
};

function isJsonPayload({ data, knownJson }: PublicationInit): boolean {
  return knownJson === true || isJson(data);
}

/** Where a channel's stream stands: the offset of its newest publication and the epoch the offset counts in. */
export interface StreamPosition {
  /** Count of publications since the epoch began; 0 means none. A safe integer. */
  readonly offset: number;
  /** Opaque name of one life of the stream; "" where the channel keeps no history. */
  readonly epoch: string;
}

/** The position of a channel that keeps no history. */
export const NO_POSITION: StreamPosition = { offset: 0, epoch: "" };

/** A position that somebody tells, with an offset of 64 bits: beyond safe integers there is no stream. */
export function positionFrom(offset: bigint, epoch: string): StreamPosition {
  return { offset: Math.min(Number(offset), Number.MAX_SAFE_INTEGER), epoch };
}

/**
 * What a channel tells its subscribers besides publications: at most once, and never part of its stream.
 *
 * `join` and `leave` are about clients. `memberAdded` and `memberRemoved` are about users: the first and the last of
 * a user's clients on all nodes; anonymous ones are nobody's.
 */
export type ChannelNotice =
  | { readonly type: "join" | "leave"; readonly info: ClientInfo }
  | { readonly type: "memberAdded" | "memberRemoved"; readonly info: ClientInfo }
  | { readonly type: "subscriptionCount"; readonly count: number };

/** Which notices a subscriber wants. */
export type NoticeType = ChannelNotice["type"];

export const NO_NOTICES: readonly NoticeType[] = [];
/** First and last clients of users. */
export const MEMBER_NOTICES: readonly NoticeType[] = ["memberAdded", "memberRemoved"];
export const JOIN_LEAVE: readonly NoticeType[] = ["join", "leave"];
