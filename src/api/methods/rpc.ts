import { CentrifugoApi, RPCResultSchema } from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import { clientError } from "../../core/client-error.ts";
import { type ApiMethod, defineMethod } from "../method.ts";
import { requireText } from "./fields.ts";

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
