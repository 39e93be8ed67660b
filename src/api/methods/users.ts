import { create } from "@bufbuild/protobuf";
import {
  BlockUserResultSchema,
  CentrifugoApi,
  DeleteUserStatusResultSchema,
  GetUserStatusResultSchema,
  InvalidateUserTokensResultSchema,
  RevokeTokenResultSchema,
  UnblockUserResultSchema,
  UpdateUserStatusResultSchema,
} from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import { type ApiMethod, defineMethod } from "../method.ts";
import { requireText, timeOf, usersOf } from "./fields.ts";

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

/**
 * Makes tokens void that were issued to a user earlier (docs/protocols/server-api.md §4). With a channel, those for it
 * only.
 */
export const invalidateUserTokens: ApiMethod = defineMethod({
  name: "invalidate_user_tokens",
  rpc: CentrifugoApi.method.invalidateUserTokens,
  result: InvalidateUserTokensResultSchema,
  async run({ node }, { user, channel, issuedBefore, expireAt }, empty) {
    requireText("user", user);
    await node.users.invalidateTokens({
      user,
      channel,
      issuedBeforeSec: timeOf("issued_before", issuedBefore),
      expireAtSec: timeOf("expire_at", expireAt),
    });
    return empty;
  },
});

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
