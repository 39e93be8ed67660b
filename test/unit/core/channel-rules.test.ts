import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ChannelOptions, DEFAULT_CHANNEL_OPTIONS } from "../../../src/core/channel-options.ts";
import { ChannelRules, type ChannelRulesOptions } from "../../../src/core/channel-rules.ts";

const DEFAULT: ChannelOptions = {
  ...DEFAULT_CHANNEL_OPTIONS,
  allowSubscribeForClient: false,
  allowSubscribeForAnonymous: false,
  allowUserLimitedChannels: false,
};
const NEWS: ChannelOptions = { ...DEFAULT, allowSubscribeForClient: true };

function rules(options: Partial<ChannelRulesOptions> = {}): ChannelRules {
  return new ChannelRules({
    namespaceBoundary: ":",
    privatePrefix: "$",
    userBoundary: "#",
    userSeparator: ",",
    withoutNamespace: DEFAULT,
    namespaces: new Map([["news", NEWS]]),
    ...options,
  });
}

describe("options", () => {
  it.each([
    ["a", DEFAULT],
    ["", DEFAULT],
    ["news", DEFAULT],
    ["$a", DEFAULT],
    [":a", DEFAULT],
    ["$:a", DEFAULT],
    ["news:", NEWS],
    ["news:a", NEWS],
    ["news:a:b", NEWS],
    ["$news:a", NEWS],
    ["zz:a", undefined],
    ["zz:news:a", undefined],
    ["$$news:a", undefined],
    ["new$s:a", undefined],
    ["constructor:a", undefined],
  ])("of %j", (channel, options) => {
    expect(rules().optionsOf(channel)).toBe(options);
  });

  it("without boundary there are no namespaces", () => {
    expect(rules({ namespaceBoundary: "" }).optionsOf("news:a")).toBe(DEFAULT);
  });

  it("without private prefix every character belongs to the name", () => {
    const unprefixed = rules({ privatePrefix: "" });
    expect(unprefixed.optionsOf("news:a")).toBe(NEWS);
    expect(unprefixed.optionsOf("$news:a")).toBeUndefined();
    expect(unprefixed.isPrivate("$a")).toBe(false);
  });

  it("boundaries and prefixes may be longer than a character", () => {
    const long = rules({ namespaceBoundary: "::", privatePrefix: "pvt-" });
    expect(long.optionsOf("pvt-news::a")).toBe(NEWS);
    expect(long.optionsOf("news:a")).toBe(DEFAULT);
    expect(long.isPrivate("pvt-a")).toBe(true);
  });
});

it("a private channel begins with the prefix", () => {
  expect(rules().isPrivate("$a")).toBe(true);
  expect(rules().isPrivate("a$")).toBe(false);
});

it("names are valid exactly when they are ASCII", () => {
  const unbounded = rules({ namespaceBoundary: "" });
  const name = fc.array(fc.integer({ min: 0, max: 0x81 })).map((codes) => String.fromCharCode(...codes));
  fc.assert(
    fc.property(name, (text) => {
      expect(unbounded.nameIsValid(text)).toBe(Buffer.byteLength(text) === text.length);
    }),
  );
});

describe("names with a pattern", () => {
  const digits = { ...DEFAULT, channelRegex: /^[0-9]+$/ };
  const patterned = rules({ withoutNamespace: digits, namespaces: new Map([["news", digits]]) });

  it.each([
    ["12", true],
    ["x", false],
    ["1x", false],
    ["$12", false],
    [":12", true],
    ["$:12", true],
    ["news:12", true],
    ["$news:12", true],
    ["news:x", false],
    ["news:", false],
    ["news:1:2", false],
    ["zz:12", false],
  ])("core 44: %j is valid: %s", (channel, isValid) => {
    expect(patterned.nameIsValid(channel)).toBe(isValid);
  });

  it("need not be ASCII", () => {
    const any = rules({ withoutNamespace: { ...DEFAULT, channelRegex: /^.$/ } });
    expect(any.nameIsValid("é")).toBe(true);
    expect(any.nameIsValid("news:é")).toBe(false);
  });

  it("the pattern is for the whole name where there is no boundary", () => {
    const whole = { ...DEFAULT, channelRegex: /^\$?news:1$/ };
    const unbounded = rules({ namespaceBoundary: "", withoutNamespace: whole });
    expect(unbounded.nameIsValid("news:1")).toBe(true);
    expect(unbounded.nameIsValid("$news:1")).toBe(true);
    const long = rules({ namespaceBoundary: "::", namespaces: new Map([["news", digits]]) });
    expect(long.nameIsValid("news::1")).toBe(true);
  });
});

describe("user lists", () => {
  it("stand after the last boundary", () => {
    expect(rules().userIsListed("d#41,42", "42")).toBe(true);
    expect(rules().userIsListed("d#42#41", "42")).toBe(false);
    expect(rules().userIsListed("d#420", "42")).toBe(false);
    expect(rules().userIsListed("42", "42")).toBe(false);
  });

  it("have one user where there is no separator", () => {
    const single = rules({ userSeparator: "" });
    expect(single.userIsListed("d#41,42", "41,42")).toBe(true);
    expect(single.userIsListed("d#41,42", "42")).toBe(false);
  });

  it("do not exist without boundary", () => {
    const none = rules({ userBoundary: "" });
    expect(none.hasUserList("d#42")).toBe(false);
    expect(none.userIsListed("d#42", "42")).toBe(false);
  });
});

it("core 48, core 49, uni 49: a user's own channel", () => {
  expect(rules().personalChannelOf("42", "")).toBe("#42");
  expect(rules().personalChannelOf("42", "p")).toBe("p:#42");
});
