import { create } from "@bufbuild/protobuf";
import {
  CentrifugoApi,
  InfoResultSchema,
  RPCResultSchema,
} from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import { clientError } from "../../core/client-error.ts";
import { type ApiMethod, defineMethod } from "../method.ts";
import { requireText } from "./fields.ts";

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

/** Calls a method of the server by name (docs/protocols/server-api.md §2.6). There are none. */
export const rpc: ApiMethod = defineMethod({
  name: "rpc",
  rpc: CentrifugoApi.method.rPC,
  result: RPCResultSchema,
  async run(_call, { method }) {
    requireText("method", method);
    throw clientError("notFound");
  },
});
