import {
  CentrifugoApi,
  UpdateUserStatusResultSchema,
} from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";

import { type ApiMethod, defineMethod } from "../method.ts";
import { usersOf } from "./fields.ts";

/** Notes that users are active, and their state (docs/protocols/server-api.md §4). */
export const updateUserStatus: ApiMethod = defineMethod({
  name: "update_user_status",
  rpc: CentrifugoApi.method.updateUserStatus,
  result: UpdateUserStatusResultSchema,
  async run({ node }, { users, state }, empty) {
    await node.users.updateStatus(usersOf(users), state);
    return empty;
  },
});
