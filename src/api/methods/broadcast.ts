import { create } from "@bufbuild/protobuf";
import {
  BroadcastResultSchema,
  CentrifugoApi,
  type PublishResponse,
  PublishResponseSchema,
} from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import { badRequest } from "../../core/client-error.ts";
import { mapConcurrently } from "../../lib/map-concurrently.ts";
import { type ApiMethod, defineMethod } from "../method.ts";
import { publishTo, readPublication } from "./publication.ts";

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
