import type { SubscriptionFeatures } from "./subscription.ts";

/** More combinations than there are switches for are not worth comparing with. */
const MAX_KEPT = 64;

const kept: SubscriptionFeatures[] = [];

/** The same features as one object for all subscriptions that have them. */
export function shareFeatures(features: SubscriptionFeatures): SubscriptionFeatures {
  const same = kept.find((other) => areEqual(other, features));
  if (same === undefined && kept.length < MAX_KEPT) kept.push(features);
  return same ?? features;
}

function areEqual(a: SubscriptionFeatures, b: SubscriptionFeatures): boolean {
  return (
    a.positioned === b.positioned &&
    a.recoverable === b.recoverable &&
    a.presence === b.presence &&
    a.joinLeave === b.joinLeave &&
    a.delta === b.delta &&
    a.notices.length === b.notices.length &&
    a.notices.every((type, at) => type === b.notices[at])
  );
}
