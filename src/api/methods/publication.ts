import type { PublicationInit } from "../../core/publication.ts";
import type { StreamPosition } from "../../core/stream-position.ts";
import type { ApiCall } from "../method.ts";
import { base64Of } from "./fields.ts";

/** The fields that `publish` and `broadcast` requests share. */
export interface PublicationFields {
  readonly data: Uint8Array;
  readonly b64data: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly idempotencyKey: string;
  readonly skipHistory: boolean;
  readonly delta: boolean;
  readonly version: bigint;
  readonly versionEpoch: string;
}

/**
 * What a request wants published.
 * @throws ClientError 107 for base64 that is none
 */
export function readPublication(call: ApiCall, fields: PublicationFields): PublicationInit {
  const { data: raw, b64data, version } = fields;
  const tags = hasMembers(fields.tags) ? fields.tags : undefined;
  // Nothing is no JSON, even where bytes come as such.
  if (b64data === "") return { data: raw, tags, version, knownJson: call.bytesAreJson && raw.length > 0 };
  return { data: base64Of("b64data", b64data), tags, version };
}

/** Publishes into one channel as the request says. Rejects as the node does. */
export function publishTo(
  { node }: ApiCall,
  channel: string,
  publication: PublicationInit,
  { idempotencyKey, skipHistory, delta, versionEpoch }: PublicationFields,
): Promise<StreamPosition> {
  return node.channels.publish(channel, publication, { idempotencyKey, skipHistory, delta, versionEpoch });
}

function hasMembers(record: Readonly<Record<string, string>>): boolean {
  for (const key in record) if (Object.hasOwn(record, key)) return true;
  return false;
}
