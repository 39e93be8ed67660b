import { create } from "@bufbuild/protobuf";
import { CentrifugoApi, PublishResultSchema } from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import { type ApiMethod, defineMethod } from "../method.ts";
import { requireText } from "./fields.ts";
import { publishTo, readPublication } from "./publication.ts";

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
