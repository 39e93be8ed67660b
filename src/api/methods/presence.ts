import { create } from "@bufbuild/protobuf";
import {
  CentrifugoApi,
  type ClientInfo as ClientInfoMessage,
  ClientInfoSchema,
  PresenceResultSchema,
  PresenceStatsResultSchema,
} from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import type { ClientInfo } from "../../core/client-info.ts";
import { type ApiMethod, defineMethod } from "../method.ts";
import { requireText } from "./fields.ts";

/** What is known of a client, as the API's message. */
export function clientInfoMessage({ user, client, connInfo, chanInfo }: ClientInfo): ClientInfoMessage {
  const message = create(ClientInfoSchema, { user, client });
  if (connInfo !== undefined) message.connInfo = connInfo;
  if (chanInfo !== undefined) message.chanInfo = chanInfo;
  return message;
}

/** Who listens to a channel (docs/protocols/server-api.md §2.6). */
export const presence: ApiMethod = defineMethod({
  name: "presence",
  rpc: CentrifugoApi.method.presence,
  result: PresenceResultSchema,
  async run({ node }, { channel }) {
    requireText("channel", channel);
    const present = await node.channels.presence(channel);
    const entries = [...present].map(([client, info]) => [client, clientInfoMessage(info)] as const);
    return create(PresenceResultSchema, { presence: Object.fromEntries(entries) });
  },
});

/** How many listen to a channel (docs/protocols/server-api.md §2.6). */
export const presenceStats: ApiMethod = defineMethod({
  name: "presence_stats",
  rpc: CentrifugoApi.method.presenceStats,
  result: PresenceStatsResultSchema,
  async run({ node }, { channel }) {
    requireText("channel", channel);
    return create(PresenceStatsResultSchema, await node.channels.presenceStats(channel));
  },
});
