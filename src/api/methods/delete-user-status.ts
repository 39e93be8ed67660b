import {
  CentrifugoApi,
  DeleteUserStatusResultSchema,
} from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";

import { type ApiMethod, defineMethod } from "../method.ts";
import { usersOf } from "./fields.ts";

/** Forgets what is known of users (docs/protocols/server-api.md §4). */
export const deleteUserStatus: ApiMethod = defineMethod({
  name: "delete_user_status",
  rpc: CentrifugoApi.method.deleteUserStatus,
  result: DeleteUserStatusResultSchema,
  async run({ node }, { users }, empty) {
    await node.users.deleteStatuses(usersOf(users));
    return empty;
  },
});
