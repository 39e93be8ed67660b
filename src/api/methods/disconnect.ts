import { CentrifugoApi, DisconnectResultSchema } from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import { disconnect as standardDisconnect, Disconnect } from "../../core/disconnect.ts";
import { type ApiMethod, defineMethod } from "../method.ts";
import { targetOf } from "./session-target.ts";

/**
 * Closes connections of a user (docs/protocols/server-api.md §2.5). Code and reason of the request are sent as they
 * are.
 */
export const disconnect: ApiMethod = defineMethod({
  name: "disconnect",
  rpc: CentrifugoApi.method.disconnect,
  result: DisconnectResultSchema,
  async run({ node }, request, empty) {
    const { whitelist, disconnect: wanted } = request;
    const reason =
      wanted === undefined
        ? standardDisconnect("forceNoReconnect")
        : new Disconnect(wanted.code, wanted.reason);
    await node.sessions.disconnect(targetOf(request), reason, whitelist);
    return empty;
  },
});
