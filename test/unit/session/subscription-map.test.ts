import { describe, expect, it } from "vitest";
import { SubscriptionMap } from "../../../src/session/subscription-map.ts";
import type { Subscription } from "../../../src/session/subscription.ts";

/** As much of a subscription as the map looks at. */
function subscriptionTo(channel: string): Subscription {
  // The map knows nothing but the channel.
  return { channel } as Subscription;
}

describe("SubscriptionMap", () => {
  it.each([0, 1, 2, 3])("holds %i subscriptions, in the order in which they came", (count) => {
    const map = new SubscriptionMap();
    const subscriptions = ["a", "b", "c"].slice(0, count).map(subscriptionTo);
    for (const subscription of subscriptions) map.add(subscription);
    expect(map.size).toBe(count);
    expect([...map.values()]).toEqual(subscriptions);
    expect([...map]).toEqual(subscriptions.map((subscription) => [subscription.channel, subscription]));
    expect(subscriptions.map(({ channel }) => map.get(channel))).toEqual(subscriptions);
    expect([map.has("z"), map.get("z")]).toEqual([false, undefined]);
    map.delete("z");
    for (const { channel } of subscriptions) map.delete(channel);
    expect([map.size, [...map]]).toEqual([0, []]);
  });

  it("holds the last subscription to a channel", () => {
    const map = new SubscriptionMap();
    for (const others of [[], ["b"]]) {
      for (const channel of others) map.add(subscriptionTo(channel));
      map.add(subscriptionTo("a"));
      const last = subscriptionTo("a");
      map.add(last);
      expect(map.get("a")).toBe(last);
      expect(map.size).toBe(1 + others.length);
    }
  });
});
