import {
  CentrifugoApi,
  InvalidateUserTokensResultSchema,
} from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import { type ApiMethod, defineMethod } from "../method.ts";
import { requireText, timeOf } from "./fields.ts";

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
