import type { ApiMethod } from "../method.ts";
import { broadcast } from "./broadcast.ts";
import { disconnect } from "./disconnect.ts";
import { info } from "./info.ts";
import { publish } from "./publish.ts";

/**
 * The methods of the API, but for `batch`, which is made of them.
 *
 * The order is that in which a batch looks for them in one command (server-api §2.6): publish, broadcast,
 * subscribe, unsubscribe, disconnect, history, history_remove, presence, presence_stats, info, rpc, refresh,
 * channels, map_*.
 */
export const API_METHODS: readonly ApiMethod[] = [publish, broadcast, disconnect, info];
