import { create } from "@bufbuild/protobuf";
import { CentrifugoApi, InfoResultSchema } from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import { type ApiMethod, defineMethod } from "../method.ts";

/** Tells about the nodes of the cluster (docs/protocols/server-api.md §2.6). */
export const info: ApiMethod = defineMethod({
  name: "info",
  rpc: CentrifugoApi.method.info,
  result: InfoResultSchema,
  async run({ node }) {
    const nodes = await node.info();
    return create(InfoResultSchema, {
      nodes: nodes.map(({ uptimeSec, ...counts }) => ({ ...counts, uptime: uptimeSec })),
    });
  },
});
