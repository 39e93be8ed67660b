import { CentrifugoApi, SubscribeResultSchema } from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import { positionFrom } from "../../core/stream-position.ts";
import { type ApiMethod, defineMethod } from "../method.ts";
import { payloadOf, requireText } from "./fields.ts";
import { targetOf } from "./session-target.ts";
import { readOverride } from "./subscription-override.ts";

/** Subscribes connections of a user (docs/protocols/server-api.md §2.5). */
export const subscribe: ApiMethod = defineMethod({
  name: "subscribe",
  rpc: CentrifugoApi.method.subscribe,
  result: SubscribeResultSchema,
  async run({ node }, request, empty) {
    const { channel, expireAt, recoverSince } = request;
    requireText("channel", channel);
    await node.sessions.subscribe(targetOf(request), {
      channel,
      grant: {
        info: payloadOf(request.info, "b64info", request.b64info),
        data: payloadOf(request.data, "b64data", request.b64data),
        override: readOverride(request.override),
      },
      expireAtSec: expireAt > 0n ? Number(expireAt) : undefined,
      since: recoverSince && positionFrom(recoverSince.offset, recoverSince.epoch),
    });
    return empty;
  },
});
