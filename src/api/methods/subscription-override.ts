import type { BoolValue, SubscribeOptionOverride } from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import type { SubscriptionOverride } from "../../core/channel-options.ts";

/** The channel options that a request changes: those that are there. */
export function readOverride(override: SubscribeOptionOverride | undefined): SubscriptionOverride {
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
