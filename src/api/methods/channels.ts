import { create } from "@bufbuild/protobuf";
import { ChannelsResultSchema, CentrifugoApi } from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import { compileGlob } from "../../lib/glob.ts";
import { apiError } from "../api-error.ts";
import { type ApiMethod, defineMethod } from "../method.ts";

/** Channels that somebody listens to, all or those that match a glob (server-api §2.6). */
export const channels: ApiMethod = defineMethod({
  name: "channels",
  rpc: CentrifugoApi.method.channels,
  result: ChannelsResultSchema,
  async run({ node }, { pattern }) {
    const matches = pattern === "" ? () => true : matcherOf(pattern);
    const found = [...(await node.channels(matches))].map(([channel, numClients]) => [
      channel,
      { numClients },
    ]);
    return create(ChannelsResultSchema, { channels: Object.fromEntries(found) });
  },
});

/** A malformed pattern is answered with 100, as the upstream does. */
function matcherOf(pattern: string): (channel: string) => boolean {
  try {
    return compileGlob(pattern);
  } catch {
    throw apiError("internal");
  }
}
