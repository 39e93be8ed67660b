import { describe, expect, it } from "vitest";
import type { ClientInfo } from "../../../../../src/core/publication.ts";
import { ObservedApp } from "./observed-app.ts";

function client(user: string): ClientInfo {
  return { user, client: "c", connInfo: undefined, chanInfo: undefined };
}

describe("ChannelEvents", () => {
  it("pusher 87: tells at once that a channel is occupied, and three seconds later that it is vacated", () => {
    const app = new ObservedApp();
    app.events.onOccupied("shop:news");
    expect(app.told).toEqual(["channel_occupied news"]);
    app.events.onVacated("shop:news");
    app.clock.advance(2999);
    expect(app.told).toHaveLength(1);
    app.clock.advance(100);
    expect(app.told).toEqual(["channel_occupied news", "channel_vacated news"]);
    app.clock.advance(60_000);
    expect(app.told).toHaveLength(2);
    expect(app.wheel.size).toBe(0);
  });

  it("pusher 87: tells of neither where the channel is occupied again within three seconds", () => {
    const app = new ObservedApp();
    app.events.onOccupied("shop:news");
    for (let times = 0; times < 3; times++) {
      app.events.onVacated("shop:news");
      app.clock.advance(2900);
      app.events.onOccupied("shop:news");
      app.clock.advance(2900);
    }
    expect(app.told).toEqual(["channel_occupied news"]);
    app.events.onVacated("shop:news");
    app.clock.advance(3100);
    app.events.onOccupied("shop:news");
    expect(app.told.slice(1)).toEqual(["channel_vacated news", "channel_occupied news"]);
  });

  it("pusher 88: tells of members, each by itself, and of neither where one is back within three seconds", () => {
    const app = new ObservedApp();
    const { events } = app;
    events.onMemberAdded("shop:presence-a", client("1"));
    events.onMemberAdded("shop:presence-a", client("2"));
    events.onMemberRemoved("shop:presence-a", client("1"));
    events.onMemberRemoved("shop:presence-a", client("2"));
    app.clock.advance(1000);
    events.onMemberAdded("shop:presence-b", client("2"));
    events.onMemberAdded("shop:presence-a", client("2"));
    app.clock.advance(3100);
    expect(app.told).toEqual([
      "member_added presence-a 1",
      "member_added presence-a 2",
      "member_added presence-b 2",
      "member_removed presence-a 1",
    ]);
  });

  it("keeps the order of departures", () => {
    const app = new ObservedApp();
    app.events.onMemberRemoved("shop:presence-a", client("1"));
    app.events.onVacated("shop:presence-a");
    app.clock.advance(10);
    app.events.onVacated("shop:b");
    app.clock.advance(3200);
    expect(app.told).toEqual([
      "member_removed presence-a 1",
      "channel_vacated presence-a",
      "channel_vacated b",
    ]);
  });

  it.each(["news", "other:news", "shop:#42", "shop:#!42", "shop:a b", "shop:", "$shop:news"])(
    "does not tell of %s, which is no public channel of an app",
    (channel) => {
      const app = new ObservedApp();
      app.events.onOccupied(channel);
      app.events.onVacated(channel);
      app.events.onMemberAdded(channel, client("1"));
      app.events.onMemberRemoved(channel, client("1"));
      expect(app.wheel.size).toBe(0);
      app.events.close();
      expect(app.told).toEqual([]);
    },
  );

  it("does not keep what an app without webhooks does not want to know", () => {
    const app = new ObservedApp({ webhooks: [] });
    app.events.onVacated("shop:news");
    expect(app.wheel.size).toBe(0);
  });

  it("tells the app as it is configured by then", () => {
    const app = new ObservedApp();
    app.events.onVacated("shop:news");
    app.configure({ key: "new-key" });
    app.clock.advance(3100);
    expect(app.toldTo).toEqual(["new-key"]);
    app.events.onVacated("shop:news");
    app.configure({ id: "another" });
    app.clock.advance(3100);
    expect(app.toldTo).toHaveLength(1);
  });

  it("tells of all departures at once when the server goes down", () => {
    const app = new ObservedApp();
    app.events.onVacated("shop:a");
    app.events.close();
    app.events.onVacated("shop:b");
    expect(app.told).toEqual(["channel_vacated a", "channel_vacated b"]);
    expect(app.wheel.size).toBe(0);
  });
});
