import { CentrifugoApi, RefreshResultSchema } from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import { type ApiMethod, defineMethod } from "../method.ts";
import { payloadOf } from "./fields.ts";
import { targetOf } from "./session-target.ts";

/** Sets when connections of a user expire (docs/protocols/server-api.md §2.5). */
export const refresh: ApiMethod = defineMethod({
  name: "refresh",
  rpc: CentrifugoApi.method.refresh,
  result: RefreshResultSchema,
  async run({ node }, request, empty) {
    const { expired, expireAt, info } = request;
    const expireAtSec = expireAt > 0n ? Number(expireAt) : undefined;
    await node.sessions.refresh(targetOf(request), { expired, expireAtSec, info: payloadOf(info) });
    return empty;
  },
});
