import type { ApiMethod } from "../method.ts";
import { blockUser } from "./block-user.ts";
import { broadcast } from "./broadcast.ts";
import { channels } from "./channels.ts";
import { deleteUserStatus } from "./delete-user-status.ts";
import { connections } from "./connections.ts";
import { disconnect } from "./disconnect.ts";
import { getUserStatus } from "./get-user-status.ts";
import { historyRemove } from "./history-remove.ts";
import { history } from "./history.ts";
import { info } from "./info.ts";
import { invalidateUserTokens } from "./invalidate-user-tokens.ts";
import { presenceStats } from "./presence-stats.ts";
import { presence } from "./presence.ts";
import { publish } from "./publish.ts";
import { refresh } from "./refresh.ts";
import { revokeToken } from "./revoke-token.ts";
import { rpc } from "./rpc.ts";
import { subscribe } from "./subscribe.ts";
import { unblockUser } from "./unblock-user.ts";
import { unsubscribe } from "./unsubscribe.ts";
import { updateUserStatus } from "./update-user-status.ts";

/**
 * The methods of the API, but for `batch`, which is made of them.
 *
 * The order is that in which a batch looks for them in one command (docs/protocols/server-api.md §2.7).
 */
export const API_METHODS: readonly ApiMethod[] = [
  publish,
  broadcast,
  subscribe,
  unsubscribe,
  disconnect,
  history,
  historyRemove,
  presence,
  presenceStats,
  info,
  rpc,
  refresh,
  channels,
  connections,
  updateUserStatus,
  getUserStatus,
  deleteUserStatus,
  blockUser,
  unblockUser,
  revokeToken,
  invalidateUserTokens,
];
