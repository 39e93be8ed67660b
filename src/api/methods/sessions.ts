import {
  type BoolValue,
  CentrifugoApi,
  DisconnectResultSchema,
  type FilterNode,
  RefreshResultSchema,
  type SubscribeOptionOverride,
  SubscribeResultSchema,
  UnsubscribeResultSchema,
} from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import type { SubscriptionOverride } from "../../core/channel-options.ts";
import { badRequest } from "../../core/client-error.ts";
import type { SessionTarget } from "../../core/commands.ts";
import { Disconnect, disconnect as standardDisconnect } from "../../core/disconnect.ts";
import { LabelFilter, LabelFilterError } from "../../core/label-filter.ts";
import { positionFrom } from "../../core/publication.ts";
import { type ApiMethod, defineMethod } from "../method.ts";
import { payloadOf, requireText } from "./fields.ts";

/** The fields of requests that say which connections are meant. */
interface TargetFields {
  readonly user: string;
  readonly client: string;
  readonly session: string;
  readonly labelFilter?: FilterNode | undefined;
  readonly allUsers: boolean;
}

/**
 * Which connections a request is about.
 * @throws ClientError 107 for a filter that is not valid
 */
export function targetOf({ user, client, session, labelFilter, allUsers }: TargetFields): SessionTarget {
  return { user, client, session, allUsers, labelFilter: readLabelFilter(labelFilter) };
}

/** @throws ClientError 107 for a filter that is not valid */
export function readLabelFilter(node: FilterNode | undefined): LabelFilter | undefined {
  if (node === undefined) return undefined;
  try {
    return new LabelFilter(node);
  } catch (error) {
    if (!(error instanceof LabelFilterError)) throw error;
    throw badRequest("label_filter", error.message);
  }
}

/** The channel options that a request changes: those that are there. */
function readOverride(override: SubscribeOptionOverride | undefined): SubscriptionOverride {
  return {
    ...member("presence", override?.presence),
    ...member("joinLeave", override?.joinLeave),
    ...member("forcePushJoinLeave", override?.forcePushJoinLeave),
    ...member("forcePositioning", override?.forcePositioning),
    ...member("forceRecovery", override?.forceRecovery),
  };
}

function member(name: keyof SubscriptionOverride, wrapped: BoolValue | undefined): SubscriptionOverride {
  return wrapped === undefined ? {} : { [name]: wrapped.value };
}

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
        expireAtSec: expireAt > 0n ? Number(expireAt) : undefined,
      },
      since: recoverSince && positionFrom(recoverSince.offset, recoverSince.epoch),
    });
    return empty;
  },
});

/** Unsubscribes connections of a user (docs/protocols/server-api.md §2.5). */
export const unsubscribe: ApiMethod = defineMethod({
  name: "unsubscribe",
  rpc: CentrifugoApi.method.unsubscribe,
  result: UnsubscribeResultSchema,
  async run({ node }, request, empty) {
    await node.sessions.unsubscribe(targetOf(request), request.channel);
    return empty;
  },
});

/** Sets when connections of a user expire (docs/protocols/server-api.md §2.5). */
export const refresh: ApiMethod = defineMethod({
  name: "refresh",
  rpc: CentrifugoApi.method.refresh,
  result: RefreshResultSchema,
  async run({ node }, request, empty) {
    const { expired, expireAt, info } = request;
    const expireAtSec = expireAt > 0n ? Number(expireAt) : undefined;
    await node.sessions.refresh(targetOf(request), { expired, expireAtSec, info: payloadOf(info) });
    return empty;
  },
});

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
