import { create } from "@bufbuild/protobuf";
import { CentrifugoApi, PresenceResultSchema } from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import { type ApiMethod, defineMethod } from "../method.ts";
import { clientInfoMessage } from "./client-info.ts";
import { requireText } from "./fields.ts";

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
