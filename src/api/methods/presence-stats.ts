import { create } from "@bufbuild/protobuf";
import { CentrifugoApi, PresenceStatsResultSchema } from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import { type ApiMethod, defineMethod } from "../method.ts";
import { requireText } from "./fields.ts";

/** How many listen to a channel (docs/protocols/server-api.md §2.6). */
export const presenceStats: ApiMethod = defineMethod({
  name: "presence_stats",
  rpc: CentrifugoApi.method.presenceStats,
  result: PresenceStatsResultSchema,
  async run({ node }, { channel }) {
    requireText("channel", channel);
    return create(PresenceStatsResultSchema, await node.channels.presenceStats(channel));
  },
});
