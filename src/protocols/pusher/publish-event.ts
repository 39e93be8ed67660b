import type { ClientInfo, Publication, PublicationInit, StreamPosition } from "../../core/publication.ts";
import { isJson } from "../../lib/json/raw-json.ts";
import type { NodeChannels } from "../../node/channels.ts";
import type { PusherApp } from "./app.ts";
import { CONTENT_TYPE_TAG, EVENT_TAG, PLAIN_TEXT } from "./codec.ts";

/** What was triggered, wherever it goes. */
export interface EventContent {
  /** The event's name. */
  readonly event: string;
  /** What its subscribers get as `data`, character by character. */
  readonly data: string;
  /** The client that sent it; undefined for backends. */
  readonly info?: ClientInfo | undefined;
}

/** Where an event goes, and how. */
export interface EventDelivery {
  /** Pusher name of the channel. */
  readonly channel: string;
  /** Client id of a subscriber that does not get it. */
  readonly excludeClient?: string | undefined;
  /** Cache channels do not remember it. */
  readonly skipHistory?: boolean;
  /** A second event with the key is not delivered to the channel, for five minutes; "" for none. */
  readonly idempotencyKey?: string;
}

/** An event on its way to one channel. */
export interface TriggeredEvent extends EventContent, EventDelivery {}

/** Where events are published. */
export interface EventNode {
  readonly channels: Pick<NodeChannels, "publish">;
}

/** Publishes an event to all subscribers on all nodes. Rejects with the broker's error. */
export async function publishEvent(
  node: EventNode,
  app: PusherApp,
  event: TriggeredEvent,
): Promise<StreamPosition> {
  return deliverEvent(node, app, publicationOf(event), event);
}

/** The same for what has been made into a publication, as that of several channels is only once. */
export async function deliverEvent(
  node: EventNode,
  app: PusherApp,
  publication: PublicationInit,
  { channel, excludeClient = "", skipHistory = false, idempotencyKey = "" }: EventDelivery,
): Promise<StreamPosition> {
  return node.channels.publish(app.channelOf(channel), publication, {
    idempotencyKey,
    excludeClient,
    skipHistory,
  });
}

/**
 * The publication that stands for an event (docs/protocols/pusher.md §7): its payload is the data where that is JSON,
 * and the JSON string of it otherwise.
 */
export function publicationOf({ event, data, info }: EventContent): PublicationInit {
  const bytes = Buffer.from(data);
  return isJson(bytes)
    ? { data: bytes, tags: { [EVENT_TAG]: event }, info, knownJson: true }
    : {
        data: Buffer.from(JSON.stringify(data)),
        tags: { [EVENT_TAG]: event, [CONTENT_TYPE_TAG]: PLAIN_TEXT },
        info,
        knownJson: true,
      };
}

/** The data that was triggered, of a publication that stands for an event; what it is anyway of any other. */
export function dataOf({ data, tags }: Publication): string {
  const json = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString();
  return tags?.[CONTENT_TYPE_TAG] === PLAIN_TEXT ? String(JSON.parse(json)) : json;
}
