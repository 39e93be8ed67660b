import { CentrifugoApi, UnblockUserResultSchema } from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import { type ApiMethod, defineMethod } from "../method.ts";
import { requireText } from "./fields.ts";

/** Lets a user in again (docs/protocols/server-api.md §4). */
export const unblockUser: ApiMethod = defineMethod({
  name: "unblock_user",
  rpc: CentrifugoApi.method.unblockUser,
  result: UnblockUserResultSchema,
  async run({ node }, { user }, empty) {
    requireText("user", user);
    await node.users.unblock(user);
    return empty;
  },
});
