import { CentrifugoApi, RevokeTokenResultSchema } from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import { type ApiMethod, defineMethod } from "../method.ts";
import { requireText, timeOf } from "./fields.ts";

/** Makes the token with this `jti` void (docs/protocols/server-api.md §4). */
export const revokeToken: ApiMethod = defineMethod({
  name: "revoke_token",
  rpc: CentrifugoApi.method.revokeToken,
  result: RevokeTokenResultSchema,
  async run({ node }, { uid, expireAt }, empty) {
    requireText("uid", uid);
    await node.users.revokeToken(uid, timeOf("expire_at", expireAt));
    return empty;
  },
});
