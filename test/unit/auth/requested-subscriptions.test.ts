import { describe, expect, it } from "vitest";
import { grantRequestedSubscriptions } from "../../../src/auth/requested-subscriptions.ts";
import { type ChannelOptions, DEFAULT_CHANNEL_OPTIONS } from "../../../src/core/channel-options.ts";
import { ChannelRules } from "../../../src/core/channel-rules.ts";
import { Re2Pattern } from "../../../src/lib/re2.ts";
import { codeOf } from "./tokens.ts";

const CLOSED: ChannelOptions = {
  ...DEFAULT_CHANNEL_OPTIONS,
  allowSubscribeForClient: false,
  allowSubscribeForAnonymous: false,
  allowUserLimitedChannels: false,
};

interface Case {
  readonly user?: string;
  readonly insecure?: boolean;
  readonly options?: Partial<ChannelOptions>;
}

function grant(
  channels: readonly string[],
  { user = "42", insecure = false, options = {} }: Case = {},
): string[] {
  const rules = new ChannelRules({
    namespaceBoundary: ":",
    privatePrefix: "$",
    userBoundary: "#",
    userSeparator: ",",
    withoutNamespace: { ...CLOSED, ...options },
    namespaces: new Map([["open", { ...CLOSED, allowSubscribeForClient: true }]]),
  });
  return grantRequestedSubscriptions(channels, { user, rules, insecure });
}

async function request(channel: string, insecure: boolean): Promise<string[]> {
  return grant(["a", channel], { insecure });
}

const FOR_CLIENT = { allowSubscribeForClient: true };
const FOR_ANONYMOUS = { allowSubscribeForAnonymous: true };
const USER_LIMITED = { allowUserLimitedChannels: true };

describe("requested channels", () => {
  it("uni 43: are left out where nothing admits them", () => {
    expect(grant(["abc"])).toEqual([]);
  });

  it("core 38, uni 44: are granted with allow_subscribe_for_client", () => {
    expect(grant(["a"], { options: FOR_CLIENT })).toEqual(["a"]);
    expect(grant(["a", "open:a"])).toEqual(["open:a"]);
  });

  it("core 39, uni 45: are granted to anonymous users only with both options", () => {
    expect(grant(["a"], { user: "", options: FOR_CLIENT })).toEqual([]);
    expect(grant(["a"], { user: "", options: { ...FOR_CLIENT, ...FOR_ANONYMOUS } })).toEqual(["a"]);
    expect(grant(["a"], { user: "", options: FOR_ANONYMOUS })).toEqual([]);
    expect(grant(["a"], { options: FOR_ANONYMOUS })).toEqual([]);
  });

  it("core 40, uni 46: are left out when private, even when insecure", () => {
    expect(grant(["$a"], { options: FOR_CLIENT })).toEqual([]);
    expect(grant(["$a"], { insecure: true })).toEqual([]);
  });

  it("core 41, uni 42: fail the connect in an unknown namespace", async () => {
    expect(await codeOf(request("zz:a", false))).toBe(3501);
    expect(await codeOf(request("zz:a", true))).toBe(3501);
    expect(await codeOf(request("$zz:a", false))).toBe(3501);
  });

  it("core 42, uni 47: are granted to the users they list", () => {
    const channels = ["d#41,42", "d#41", "d#42", "#42", "x#42#41", "d#,42", "d#4"];
    expect(grant(channels, { options: USER_LIMITED })).toEqual(["d#41,42", "d#42", "#42", "d#,42"]);
    expect(grant(["d#1,2", "d#3"], { user: "2", options: USER_LIMITED })).toEqual(["d#1,2"]);
  });

  it("an empty item of the list is not an anonymous user", () => {
    expect(
      grant(["d#", "d#1,,2"], { user: "", options: { ...USER_LIMITED, ...FOR_CLIENT, ...FOR_ANONYMOUS } }),
    ).toEqual([]);
  });

  it("with a list are not granted by allow_subscribe_for_client", () => {
    expect(grant(["d#41", "d"], { options: { ...USER_LIMITED, ...FOR_CLIENT } })).toEqual(["d"]);
  });

  it("core 43: with a list are like any other where lists mean nothing", () => {
    expect(grant(["d#41"], { options: FOR_CLIENT })).toEqual(["d#41"]);
  });

  it("core 44: are left out where the name does not match channel_regex", () => {
    const options = { ...FOR_CLIENT, channelRegex: Re2Pattern.compile("^[0-9]+$") };
    expect(grant(["12", "x", "open:x", "open:1"], { options })).toEqual(["12", "open:x", "open:1"]);
    expect(grant(["12", "x"], { options, insecure: true })).toEqual(["12"]);
  });

  it("core 44: may be other than ASCII where channel_regex says so", () => {
    const options = { ...FOR_CLIENT, channelRegex: Re2Pattern.compile(String.raw`^\pL+$`) };
    expect(grant(["é", "1"], { options })).toEqual(["é"]);
  });

  it("core 45: are left out where the name is not ASCII", () => {
    expect(grant(["é"], { options: FOR_CLIENT })).toEqual([]);
    expect(grant(["é"], { insecure: true })).toEqual([]);
  });

  it("core 47: may have long names", () => {
    const name = "a".repeat(256);
    expect(grant([name], { options: FOR_CLIENT })).toEqual([name]);
  });

  it("without name are left out", () => {
    expect(grant([""], { insecure: true })).toEqual([]);
  });

  it("are granted to everybody when insecure, lists or not", () => {
    expect(grant(["a", "d#41"], { user: "", insecure: true, options: USER_LIMITED })).toEqual(["a", "d#41"]);
  });
});
