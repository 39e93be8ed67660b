import { CentrifugoApi, HistoryRemoveResultSchema } from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import { type ApiMethod, defineMethod } from "../method.ts";
import { requireText } from "./fields.ts";

/** Drops what a channel has kept; its position stays (docs/protocols/server-api.md §2.6). */
export const historyRemove: ApiMethod = defineMethod({
  name: "history_remove",
  rpc: CentrifugoApi.method.historyRemove,
  result: HistoryRemoveResultSchema,
  async run({ node }, { channel }, empty) {
    requireText("channel", channel);
    await node.channels.removeHistory(channel);
    return empty;
  },
});
