import { CentrifugoApi, RevokeTokenResultSchema } from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import { apiError } from "../api-error.ts";
import { type ApiMethod, defineMethod } from "../method.ts";
import { timeOf } from "./unix-time.ts";

/** Makes the token with this `jti` void (server-api §4). */
export const revokeToken: ApiMethod = defineMethod({
  name: "revoke_token",
  rpc: CentrifugoApi.method.revokeToken,
  result: RevokeTokenResultSchema,
  async run({ node }, { uid, expireAt }, empty) {
    if (uid === "") throw apiError("badRequest");
    await node.users.revokeToken(uid, timeOf(expireAt));
    return empty;
  },
});
