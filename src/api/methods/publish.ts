import { create } from "@bufbuild/protobuf";
import {
  BroadcastResultSchema,
  CentrifugoApi,
  type PublishResponse,
  PublishResponseSchema,
  PublishResultSchema,
} from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import { badRequest } from "../../core/client-error.ts";
import type { PublicationInit, StreamPosition } from "../../core/publication.ts";
import { mapConcurrently } from "../../lib/map-concurrently.ts";
import { type ApiCall, type ApiMethod, defineMethod } from "../method.ts";
import { base64Of, requireText } from "./fields.ts";

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

/** Publishes into one channel (docs/protocols/server-api.md §2.4). */
export const publish: ApiMethod = defineMethod({
  name: "publish",
  rpc: CentrifugoApi.method.publish,
  result: PublishResultSchema,
  async run(call, request, empty) {
    requireText("channel", request.channel);
    const publication = readPublication(call, request);
    const { offset, epoch } = await publishTo(call, request.channel, publication, request);
    if (offset === 0 && epoch === "") return empty;
    return create(PublishResultSchema, { offset: BigInt(offset), epoch });
  },
});

/** Channels of one broadcast that are published to at a time. */
const MAX_PARALLEL = 1024;

/**
 * Publishes the same data into several channels (docs/protocols/server-api.md §2.4).
 *
 * What goes wrong with one of them stands in its response, in the order of the request.
 */
export const broadcast: ApiMethod = defineMethod({
  name: "broadcast",
  rpc: CentrifugoApi.method.broadcast,
  result: BroadcastResultSchema,
  async run(call, request) {
    if (request.channels.length === 0) throw badRequest("channels", "missing");
    const publication = readPublication(call, request);
    const publishOne = async (channel: string): Promise<PublishResponse> => {
      try {
        if (channel === "") throw badRequest("channels", "an empty name");
        const { offset, epoch } = await publishTo(call, channel, publication, request);
        return create(PublishResponseSchema, { result: { offset: BigInt(offset), epoch } });
      } catch (error) {
        const { code, message } = call.explain(error);
        return create(PublishResponseSchema, { error: { code, message } });
      }
    };
    const responses = await mapConcurrently(request.channels, MAX_PARALLEL, publishOne);
    return create(BroadcastResultSchema, { responses });
  },
});
