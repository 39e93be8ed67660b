import { CentrifugoApi, BlockUserResultSchema } from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import { type ApiMethod, defineMethod } from "../method.ts";
import { requireText, timeOf } from "./fields.ts";

/** Locks a user out: closes its connections and refuses new ones (docs/protocols/server-api.md §4). */
export const blockUser: ApiMethod = defineMethod({
  name: "block_user",
  rpc: CentrifugoApi.method.blockUser,
  result: BlockUserResultSchema,
  async run({ node }, { user, expireAt }, empty) {
    requireText("user", user);
    await node.users.block(user, timeOf("expire_at", expireAt));
    return empty;
  },
});
