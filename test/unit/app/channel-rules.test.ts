import { describe, expect, it } from "vitest";
import { channelRulesOf } from "../../../src/app/channel-rules.ts";
import { parseConfig } from "../../../src/app/config.ts";
import type { ChannelRules } from "../../../src/core/channel-rules.ts";

function rulesOf(pusher: object, channel: object = {}): ChannelRules {
  const { config } = parseConfig({ pusher, channel });
  return channelRulesOf(config.channel, config.pusher);
}

describe("namespaces of Pusher apps", () => {
  const apps = [
    { id: "one", key: "k1", secret: "s", max_presence_members_per_channel: 5 },
    { id: "2", key: "k2", secret: "s", namespace: "two" },
  ];

  it("exist without being configured, and admit nobody by themselves", () => {
    const rules = rulesOf(
      { enabled: true, apps },
      { history_meta_ttl: "1h", publication_data_format: "binary" },
    );
    expect(rules.optionsOf("one:news")).toMatchObject({
      allowSubscribeForClient: false,
      presence: false,
      historyMetaTtlMs: 3_600_000,
      publicationDataFormat: "binary",
    });
    expect(rules.optionsOf("two:presence-room")).toMatchObject({ presence: true, presenceMaxUsers: 100 });
    expect(rules.optionsOf("one:presence-room")).toMatchObject({ presence: true, presenceMaxUsers: 5 });
    expect(rules.optionsOf("2:news")).toBeUndefined();
  });

  it("take what channel.namespaces says of the name", () => {
    const namespaces = [{ name: "two", allow_subscribe_for_client: true }, { name: "other" }];
    const rules = rulesOf({ enabled: true, cache_ttl: "5m", apps }, { namespaces });
    expect(rules.optionsOf("two:news")?.allowSubscribeForClient).toBe(true);
    expect(rules.optionsOf("two:private-news")?.allowSubscribeForClient).toBe(false);
    expect(rules.optionsOf("one:news")?.allowSubscribeForClient).toBe(false);
    expect(rules.optionsOf("two:cache-news")?.history).toMatchObject({ size: 1, ttlMs: 300_000 });
    expect(rules.optionsOf("other:presence-room")?.presence).toBe(false);
  });

  it("are no namespaces while the protocol is off", () => {
    expect(rulesOf({ apps }).optionsOf("one:news")).toBeUndefined();
  });
});
