import {
  CentrifugoApi,
  InvalidateUserTokensResultSchema,
} from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import { apiError } from "../api-error.ts";
import { type ApiMethod, defineMethod } from "../method.ts";
import { timeOf } from "./unix-time.ts";

/** Makes tokens void that were issued to a user earlier (server-api §4). With a channel, those for it only. */
export const invalidateUserTokens: ApiMethod = defineMethod({
  name: "invalidate_user_tokens",
  rpc: CentrifugoApi.method.invalidateUserTokens,
  result: InvalidateUserTokensResultSchema,
  async run({ node }, { user, channel, issuedBefore, expireAt }, empty) {
    if (user === "") throw apiError("badRequest");
    await node.users.invalidateTokens({
      user,
      channel,
      issuedBeforeSec: timeOf(issuedBefore),
      expireAtSec: timeOf(expireAt),
    });
    return empty;
  },
});
