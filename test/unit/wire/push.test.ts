import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Delivery } from "../../../src/core/broker.ts";
import { type ChannelNotice, type ClientInfo, Publication } from "../../../src/core/publication.ts";
import { decodePublication, encodePublication } from "../../../src/wire/publication.ts";
import { decodePush, encodeDelivery, encodeNotice } from "../../../src/wire/push.ts";

const text = fc.string({ unit: "binary", maxLength: 20 }).map((raw) => raw.toWellFormed());
const bytes = fc.uint8Array({ minLength: 1, maxLength: 300 });
const info: fc.Arbitrary<ClientInfo> = fc.record({
  user: text,
  client: text,
  connInfo: fc.option(bytes, { nil: undefined }),
  chanInfo: fc.option(bytes, { nil: undefined }),
});
const publication = fc
  .record({
    data: fc.uint8Array({ maxLength: 300 }),
    tags: fc.option(fc.dictionary(text, text, { minKeys: 1, noNullPrototype: true }), { nil: undefined }),
    info: fc.option(info, { nil: undefined }),
    version: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    knownJson: fc.boolean(),
    offset: fc.maxSafeNat(),
    epoch: text,
  })
  .map(({ offset, epoch, ...init }) => new Publication(init, offset, epoch));
const notice: fc.Arbitrary<ChannelNotice> = fc.oneof(
  fc.record({ type: fc.constantFrom("join", "leave", "memberAdded", "memberRemoved"), info }),
  fc.record({ type: fc.constant("subscriptionCount" as const), count: fc.maxSafeNat() }),
);

/** All that a publication says, in values that compare. */
function factsOf(given: Publication | undefined): unknown {
  if (given === undefined) return undefined;
  const { data, tags, version, offset, epoch, knownJson } = given;
  return {
    data: [...data],
    tags: tags && { ...tags },
    info: infoOf(given.info),
    version,
    offset,
    epoch,
    knownJson,
  };
}

function infoOf(given: ClientInfo | undefined): unknown {
  return (
    given && {
      ...given,
      connInfo: given.connInfo && [...given.connInfo],
      chanInfo: given.chanInfo && [...given.chanInfo],
    }
  );
}

describe("pushes between processes", () => {
  it("bring publications over, with all that is known of them", () => {
    const previous = fc.option(publication, { nil: undefined });
    fc.assert(
      fc.property(text, publication, previous, text, (channel, sent, before, excludeClient) => {
        const delivery: Delivery = { publication: sent, previous: before, excludeClient };
        const push = decodePush(encodeDelivery(channel, delivery));
        if (push.type !== "delivery") throw new Error(push.type);
        expect([push.channel, push.delivery.excludeClient]).toEqual([channel, excludeClient]);
        expect(factsOf(push.delivery.publication)).toEqual(factsOf(sent));
        expect(factsOf(push.delivery.previous)).toEqual(factsOf(before));
      }),
    );
  });

  it("bring notices over", () => {
    fc.assert(
      fc.property(text, notice, (channel, sent) => {
        const push = decodePush(encodeNotice(channel, sent));
        if (push.type !== "notice") throw new Error(push.type);
        const plain = (given: ChannelNotice): unknown =>
          "info" in given ? { ...given, info: infoOf(given.info) } : given;
        expect([push.channel, plain(push.notice)]).toEqual([channel, plain(sent)]);
      }),
    );
  });

  it("bring publications over by themselves", () => {
    fc.assert(
      fc.property(publication, (sent) => {
        expect(factsOf(decodePublication(encodePublication(sent)).publication)).toEqual(factsOf(sent));
      }),
    );
  });

  it("leave room in front for whoever sends them", () => {
    const sent = new Publication({ data: Buffer.from("1") });
    const delivery = { publication: sent, previous: undefined, excludeClient: "" };
    expect(encodeDelivery("a", delivery, 5).subarray(5)).toEqual(encodeDelivery("a", delivery));
    const count = { type: "subscriptionCount", count: 3 } as const;
    expect(encodeNotice("a", count, 5).subarray(5)).toEqual(encodeNotice("a", count));
  });

  it("have the same bytes as ever", () => {
    const by: ClientInfo = {
      user: "alice",
      client: "c1",
      connInfo: Buffer.from('{"n":1}'),
      chanInfo: undefined,
    };
    const before = new Publication({ data: Buffer.from("1") }, 1, "abcd");
    const init = { data: Buffer.from('{"a":1}'), tags: { k: "v" }, info: by, version: 7n, knownJson: true };
    const delivery = { publication: new Publication(init, 2, "abcd"), previous: before, excludeClient: "c2" };
    expect(encodeDelivery("chat", delivery).toString("hex")).toBe(
      [
        "1204636861742248",
        "22077b2261223a317d",
        "2a14",
        "0a05616c696365",
        "12026331",
        "1a077b226e223a317d",
        "3002",
        "3a060a016b120176",
        "720461626364",
        "800107",
        "c23e026332",
        "ca3e0b",
        "220131",
        "3001",
        "720461626364",
        "d03e01",
      ].join(""),
    );
    expect(encodeNotice("a", { type: "join", info: by }).toString("hex")).toBe(
      ["120161", "2a16", "0a14", "0a05616c696365", "12026331", "1a077b226e223a317d"].join(""),
    );
    expect(encodeNotice("a", { type: "memberRemoved", info: by }).toString("hex")).toBe(
      ["120161", "ca3e14", "0a05616c696365", "12026331", "1a077b226e223a317d"].join(""),
    );
    expect(encodeNotice("a", { type: "subscriptionCount", count: 0 }).toString("hex")).toBe(
      ["120161", "d03e00"].join(""),
    );
  });

  it("that end early, or say nothing that is known, throw", () => {
    const sent = new Publication({ data: Buffer.from("12345"), tags: { a: "b" } }, 3, "e");
    const whole = encodeDelivery("a", { publication: sent, previous: undefined, excludeClient: "" });
    for (let length = 0; length < whole.length; length++) {
      expect(() => decodePush(whole.subarray(0, length))).toThrow(RangeError);
    }
    expect(() => decodePush(Buffer.from("12016178ffffffffffffffffffffff01", "hex"))).toThrow(RangeError);
    expect(() => decodePush(Buffer.from("1001", "hex"))).toThrow("wire type");
  });

  it("pass over what they do not know", () => {
    const count = encodeNotice("a", { type: "subscriptionCount", count: 1 });
    const unknown = Buffer.from(
      ["f8ff0305", "fd03", "00000000", "f903", "0000000000000000", "fa0301aa"].join(""),
      "hex",
    );
    expect(decodePush(Buffer.concat([unknown, count]))).toMatchObject({ channel: "a", notice: { count: 1 } });
  });
});
