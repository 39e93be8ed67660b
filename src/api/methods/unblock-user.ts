import { CentrifugoApi, UnblockUserResultSchema } from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import { apiError } from "../api-error.ts";
import { type ApiMethod, defineMethod } from "../method.ts";

/** Lets a user in again (server-api §4). */
export const unblockUser: ApiMethod = defineMethod({
  name: "unblock_user",
  rpc: CentrifugoApi.method.unblockUser,
  result: UnblockUserResultSchema,
  async run({ node }, { user }, empty) {
    if (user === "") throw apiError("badRequest");
    await node.users.unblock(user);
    return empty;
  },
});
