import { CentrifugoApi, SubscribeResultSchema } from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import { positionFrom } from "../../core/stream-position.ts";
import { apiError } from "../api-error.ts";
import { type ApiMethod, defineMethod } from "../method.ts";
import { payloadOf } from "./payload.ts";
import { targetOf } from "./session-target.ts";
import { readOverride } from "./subscription-override.ts";

/** Subscribes connections of a user (server-api §2.5). */
export const subscribe: ApiMethod = defineMethod({
  name: "subscribe",
  rpc: CentrifugoApi.method.subscribe,
  result: SubscribeResultSchema,
  async run({ node }, request, empty) {
    const { channel, expireAt, recoverSince } = request;
    if (channel === "") throw apiError("badRequest");
    await node.subscribeSessions(targetOf(request), {
      channel,
      grant: {
        info: payloadOf(request.info, request.b64info),
        data: payloadOf(request.data, request.b64data),
        override: readOverride(request.override),
      },
      expireAtSec: expireAt > 0n ? Number(expireAt) : undefined,
      since: recoverSince && positionFrom(recoverSince.offset, recoverSince.epoch),
    });
    return empty;
  },
});
