import type { ApiMethod } from "../method.ts";
import { channels, history, historyRemove, presence, presenceStats } from "./channels.ts";
import { connections } from "./connections.ts";
import { info, rpc } from "./info.ts";
import { broadcast, publish } from "./publish.ts";
import { disconnect, refresh, subscribe, unsubscribe } from "./sessions.ts";
import {
  blockUser,
  deleteUserStatus,
  getUserStatus,
  invalidateUserTokens,
  revokeToken,
  unblockUser,
  updateUserStatus,
} from "./users.ts";

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
