import { CentrifugoApi, HistoryRemoveResultSchema } from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import { apiError } from "../api-error.ts";
import { type ApiMethod, defineMethod } from "../method.ts";

/** Drops what a channel has kept; its position stays (server-api §2.6). */
export const historyRemove: ApiMethod = defineMethod({
  name: "history_remove",
  rpc: CentrifugoApi.method.historyRemove,
  result: HistoryRemoveResultSchema,
  async run({ node }, { channel }, empty) {
    if (channel === "") throw apiError("badRequest");
    await node.removeHistory(channel);
    return empty;
  },
});
