import { create } from "@bufbuild/protobuf";
import { CentrifugoApi, RefreshResultSchema } from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import { type ApiMethod, defineMethod } from "../method.ts";
import { payloadOf } from "./payload.ts";

/** Sets when connections of a user expire (server-api §2.5). */
export const refresh: ApiMethod = defineMethod({
  name: "refresh",
  rpc: CentrifugoApi.method.refresh,
  result: RefreshResultSchema,
  async run({ node }, { user, client, session, expired, expireAt, info }) {
    const expireAtSec = expireAt === 0n ? undefined : Number(expireAt);
    await node.refreshSessions(
      { user, client, session },
      { expired, expireAtSec, info: payloadOf(info, "") },
    );
    return create(RefreshResultSchema);
  },
});
