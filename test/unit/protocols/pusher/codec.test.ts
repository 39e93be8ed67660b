import { describe, expect, it } from "vitest";
import { type ClientInfo, Publication, type PublicationInit } from "../../../../src/core/publication.ts";
import type { Push } from "../../../../src/core/push.ts";
import { PusherApps } from "../../../../src/protocols/pusher/app.ts";
import { clientIdOf, newClientId, socketIdOf } from "../../../../src/protocols/pusher/channel-name.ts";
import { pusherConfig } from "../../../../src/protocols/pusher/config.ts";

const { apps } = pusherConfig.parse({ apps: [{ id: "one", key: "k", secret: "s", default_event: "news" }] });
const CODEC = new PusherApps(apps).withId("one")?.encoding.codec;

/** The message that a push becomes; "" for none. */
function textOf(push: Push): string {
  return Buffer.from(CODEC?.encode(push) ?? "no message").toString();
}

/** The message that a publication in `one:a` becomes. */
function published(data: string, init: Omit<PublicationInit, "data"> = {}, channel = "one:a"): string {
  const publication = new Publication({ ...init, data: Buffer.from(data) });
  return textOf({ type: "publication", channel, publication });
}

function member(user: string, info?: string, connInfo?: string): ClientInfo {
  const bytes = (text: string | undefined): Buffer | undefined =>
    text === undefined ? undefined : Buffer.from(text);
  return { user, client: "c", chanInfo: bytes(info), connInfo: bytes(connInfo) };
}

describe("pusher codec", () => {
  it("data that is no JSON is the text itself, and the mark is not believed of anything but text", () => {
    const tags = { event: "e", content_type: "text/plain" };
    expect(published('"no JSON"', { tags })).toBe('{"event":"e","channel":"a","data":"no JSON"}');
    expect(published("{}", { tags })).toBe('{"event":"e","channel":"a","data":"{}"}');
    expect(published("5", { tags })).toBe('{"event":"e","channel":"a","data":"5"}');
  });

  it.each([
    undefined,
    {},
    { event: "" },
    { event: "pusher:error" },
    { event: "pusher_internal:member_added" },
  ])("publications with tags %j have the default name", (tags) => {
    expect(published("1", { tags })).toBe('{"event":"news","channel":"a","data":"1"}');
  });

  it("names of events are free text", () => {
    const tags = { event: 'App\\Events\\"X" ü' };
    expect(JSON.parse(published("1", { tags }))).toEqual({ event: tags.event, channel: "a", data: "1" });
  });

  it("only client events of presence channels tell whose they are", () => {
    const info = member("7");
    const tags = { event: "client-e" };
    expect(published("1", { tags, info }, "one:presence-a")).toBe(
      '{"event":"client-e","channel":"presence-a","data":"1","user_id":"7"}',
    );
    for (const text of [
      published("1", { tags, info }),
      published("1", { tags }, "one:presence-a"),
      published("1", { tags: { event: "e" }, info }, "one:presence-a"),
    ]) {
      expect(text).not.toContain("user_id");
    }
  });

  it("personal channels have Pusher's names", () => {
    expect(published("1", {}, "one:#7")).toBe('{"event":"news","channel":"#server-to-user-7","data":"1"}');
  });

  it("tells of members, and of hidden channels who comes and goes", () => {
    const added = (channel: string, info: ClientInfo): string =>
      textOf({ type: "memberAdded", channel, info });
    const of = (user: string, info: string): string =>
      `{"event":"pusher_internal:member_added","channel":"presence-a","data":${JSON.stringify(`{"user_id":"${user}","user_info":${info}}`)}}`;
    expect(added("one:presence-a", member("1"))).toBe(of("1", "{}"));
    expect(added("one:presence-a", member("1", '{"a":1}', '{"b":2}'))).toBe(of("1", '{"a":1}'));
    expect(added("one:presence-a", member("1", undefined, '{"b":2}'))).toBe(of("1", '{"b":2}'));
    const watched = { channel: "one:#!1", info: member("1") };
    expect(textOf({ type: "memberAdded", ...watched })).toContain(
      '"name\\":\\"online\\",\\"user_ids\\":[\\"1\\"]',
    );
    expect(textOf({ type: "memberRemoved", ...watched })).toContain('"name\\":\\"offline\\"');
    expect(published("1", {}, "one:#!1")).toBe("");
  });

  it("has no words for what is in channels of others", () => {
    for (const push of [
      { type: "memberAdded", channel: "two:presence-a", info: member("1") },
      { type: "subscriptionCount", channel: "a", count: 1 },
    ] satisfies Push[]) {
      expect([push.type, textOf(push)]).toEqual([push.type, ""]);
    }
    expect(published("1", {}, "two:a")).toBe("");
    expect(published("1", {}, "a")).toBe("");
  });
});

describe("pusher socket ids", () => {
  it("and client ids are made of each other", () => {
    for (let round = 0; round < 1000; round++) {
      const client = newClientId();
      expect(client).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8000-8000-[0-9a-f]{12}$/u);
      expect(socketIdOf(client)).toMatch(/^\d+\.\d+$/u);
      expect(clientIdOf(socketIdOf(client))).toBe(client);
    }
  });

  it.each([
    "",
    "1",
    "1.",
    ".1",
    "1.2.3",
    "a.b",
    "-1.1",
    "1e3.1",
    "281474976710656.1",
    "1.9999999999999999",
    " 1.1",
  ])("%j is none of ours", (socketId) => {
    expect(clientIdOf(socketId)).toBeUndefined();
  });
});
