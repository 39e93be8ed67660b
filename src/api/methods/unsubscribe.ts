import { CentrifugoApi, UnsubscribeResultSchema } from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import { type ApiMethod, defineMethod } from "../method.ts";
import { targetOf } from "./session-target.ts";

/** Unsubscribes connections of a user (docs/protocols/server-api.md §2.5). */
export const unsubscribe: ApiMethod = defineMethod({
  name: "unsubscribe",
  rpc: CentrifugoApi.method.unsubscribe,
  result: UnsubscribeResultSchema,
  async run({ node }, request, empty) {
    await node.sessions.unsubscribe(targetOf(request), request.channel);
    return empty;
  },
});
