import type { ApiMethod } from "../method.ts";
import { broadcast } from "./broadcast.ts";
import { channels } from "./channels.ts";
import { connections } from "./connections.ts";
import { history, historyRemove } from "./history.ts";
import { info } from "./info.ts";
import { presence, presenceStats } from "./presence.ts";
import { publish } from "./publish.ts";
import { rpc } from "./rpc.ts";
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
