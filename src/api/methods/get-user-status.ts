import { create } from "@bufbuild/protobuf";
import { CentrifugoApi, GetUserStatusResultSchema } from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";

import { type ApiMethod, defineMethod } from "../method.ts";
import { usersOf } from "./fields.ts";

/** What is known of users, in the order of the request (docs/protocols/server-api.md §4). */
export const getUserStatus: ApiMethod = defineMethod({
  name: "get_user_status",
  rpc: CentrifugoApi.method.getUserStatus,
  result: GetUserStatusResultSchema,
  async run({ node }, { users }) {
    const statuses = await node.users.statuses(usersOf(users));
    return create(GetUserStatusResultSchema, {
      statuses: statuses.map(({ user, activeSec, onlineSec, state }) => ({
        user,
        active: BigInt(activeSec),
        online: BigInt(onlineSec),
        state,
      })),
    });
  },
});
