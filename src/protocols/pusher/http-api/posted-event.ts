import type { PublicationInit } from "../../../core/publication.ts";
import { clientIdOf, isSocketId, isValidName, isValidUserId, userOfChannelName } from "../channel-name.ts";
import { isReservedEvent } from "../codec.ts";
import type { PusherAppConfig } from "../config.ts";
import { publicationOf } from "../publish-event.ts";
import { type Attribute, readAttributes } from "./attributes.ts";
import { badRequest, Refusal } from "./endpoint.ts";
import type { Fields } from "./request.ts";

/** An event as it was posted, checked. */
export interface PostedEvent {
  readonly publication: PublicationInit;
  /** At least one, and each of them once. */
  readonly channels: readonly string[];
  /** Client id of a subscriber that does not get it. */
  readonly excludeClient: string | undefined;
  /** "" for none. */
  readonly idempotencyKey: string;
  /** What is asked about the channels; undefined for nothing. */
  readonly wanted: ReadonlySet<Attribute> | undefined;
}

const KIB = 1024;
const MAX_IDEMPOTENCY_KEY_LENGTH = 128;

/**
 * Reads an event for the channels, within the limits of the app (docs/protocols/pusher.md §4.2). It gets the
 * idempotency key that it does not have itself.
 *
 * @throws Refusal 413 for data that is too large, 400 for all else
 */
export function readEvent(
  limits: PusherAppConfig,
  fields: Fields,
  channels: readonly unknown[],
  idempotencyKey: string,
): PostedEvent {
  const event = readName(fields["name"], limits);
  const uniqueChannels = readChannels(channels, limits);
  const excludeClient = readSocketId(fields["socket_id"]);
  const wanted = readAttributes(fields["info"], ["user_count", "subscription_count"]);
  const key = readIdempotencyKey(fields["idempotency_key"] ?? idempotencyKey);
  const publication = publicationOf({ event, data: readData(fields["data"], limits) });
  return { publication, channels: uniqueChannels, excludeClient, wanted, idempotencyKey: key };
}

/** The channels that are named one way or the other. */
export function channelsIn({ channels, channel }: Fields): readonly unknown[] {
  if (Array.isArray(channels)) return channels;
  return channels === undefined || channels === null ? [channel] : [channels];
}

function readName(name: unknown, { max_event_name_length: maxLength }: PusherAppConfig): string {
  if (typeof name !== "string" || name === "") throw badRequest("name is missing or no string");
  if (maxLength > 0 && name.length > maxLength) {
    throw badRequest(`name has more than ${maxLength} characters`);
  }
  if (isReservedEvent(name)) {
    throw badRequest("name is one of the protocol's own");
  }
  return name;
}

function readChannels(channels: readonly unknown[], limits: PusherAppConfig): readonly string[] {
  const { max_event_channels_at_once: maxChannels, max_channel_name_length: maxLength } = limits;
  if (channels.length === 0) throw badRequest("channels is empty");
  if (maxChannels > 0 && channels.length > maxChannels) {
    throw badRequest(`An event goes to ${maxChannels} channels at most`);
  }
  const names = channels.map((channel) => {
    if (typeof channel !== "string") throw badRequest("channel is missing or no string");
    const user = userOfChannelName(channel);
    const isValid = user === undefined ? isValidName(channel, maxLength) : isValidUserId(user);
    if (isValid) return channel;
    throw badRequest(`${JSON.stringify(channel)} is no name of a channel`);
  });
  return [...new Set(names)];
}

function readData(data: unknown, { max_event_payload_in_kb: maxKib }: PusherAppConfig): string {
  if (typeof data !== "string") throw badRequest("data is missing");
  if (maxKib > 0 && Buffer.byteLength(data) > maxKib * KIB) {
    throw new Refusal(413, `data has more than ${maxKib} KiB`);
  }
  return data;
}

/** A socket id that none of our connections can have excludes nobody. */
function readSocketId(socketId: unknown): string | undefined {
  if (socketId === undefined || socketId === null || socketId === "") return undefined;
  if (typeof socketId !== "string" || !isSocketId(socketId)) throw badRequest("socket_id is none");
  return clientIdOf(socketId);
}

function readIdempotencyKey(key: unknown): string {
  if (typeof key === "string" && key.length <= MAX_IDEMPOTENCY_KEY_LENGTH) return key;
  throw badRequest(`idempotency_key is no string of up to ${MAX_IDEMPOTENCY_KEY_LENGTH} characters`);
}
