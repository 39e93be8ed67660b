import { CentrifugoApi, BlockUserResultSchema } from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import { apiError } from "../api-error.ts";
import { type ApiMethod, defineMethod } from "../method.ts";
import { timeOf } from "./unix-time.ts";

/** Locks a user out: closes its connections and refuses new ones (server-api §4). */
export const blockUser: ApiMethod = defineMethod({
  name: "block_user",
  rpc: CentrifugoApi.method.blockUser,
  result: BlockUserResultSchema,
  async run({ node }, { user, expireAt }, empty) {
    if (user === "") throw apiError("badRequest");
    await node.users.block(user, timeOf(expireAt));
    return empty;
  },
});
