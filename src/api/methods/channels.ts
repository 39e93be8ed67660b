import { create } from "@bufbuild/protobuf";
import { ChannelsResultSchema, CentrifugoApi } from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import { badRequest } from "../../core/client-error.ts";
import { compileGlob } from "../../lib/glob.ts";
import { type ApiMethod, defineMethod } from "../method.ts";

/** Channels that somebody listens to, all or those that match a glob (docs/protocols/server-api.md §2.6). */
export const channels: ApiMethod = defineMethod({
  name: "channels",
  rpc: CentrifugoApi.method.channels,
  result: ChannelsResultSchema,
  async run({ node }, { pattern }) {
    const filter = pattern === "" ? {} : { pattern: checkGlob(pattern) };
    const found = [...(await node.channels.list(filter))].map(([channel, numClients]) => [
      channel,
      { numClients },
    ]);
    return create(ChannelsResultSchema, { channels: Object.fromEntries(found) });
  },
});

/** @throws ClientError 107 for a malformed pattern */
function checkGlob(pattern: string): string {
  try {
    compileGlob(pattern);
    return pattern;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw badRequest("pattern", error.message);
  }
}
