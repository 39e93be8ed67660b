import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ClientInfo, Publication, type PublicationInit } from "../../src/core/publication.ts";
import { PLAIN_SUBSCRIBE_RESULT, type Push } from "../../src/core/push.ts";
import { type Codec, NOTHING } from "../../src/core/wire-format.ts";
import { samplePushes } from "./sample-pushes.ts";

/**
 * The messages that the sample pushes become, by their names: `NOTHING` where the protocol has no words for the push,
 * undefined where the encoding cannot carry it.
 */
export type GoldenMessages = Readonly<Record<string, string | typeof NOTHING | undefined>>;

/** A codec under test. */
export interface CodecKind {
  readonly codec: Codec;
  /** The channel of the sample pushes. */
  readonly channel: string;
  readonly golden: GoldenMessages;
  /** The bytes of a golden message; it is their text where this is not given. */
  readonly bytesOf?: (golden: string) => Buffer;
  /** Which payloads it carries besides JSON. */
  readonly carries: "json" | "text" | "any";
  /** Names that channels of the protocol can have; any where this is not given. */
  readonly channels?: fc.Arbitrary<string>;
  /** What of a payload arrives; all of it where this is not given. */
  readonly arriving?: (payload: Buffer) => Buffer;
  /** What a client reads in the message of a publication. */
  readonly read: (message: Buffer) => ReadPublication;
  /** Its messages go into lines of text. */
  readonly isOneLine: boolean;
}

/** A publication as a client reads it. What its protocol does not say is not there. */
export interface ReadPublication {
  readonly channel: string;
  readonly data: Buffer;
  readonly tags?: Readonly<Record<string, string>>;
  readonly info?: ClientInfo | undefined;
  readonly offset?: number;
  readonly epoch?: string;
  readonly version?: bigint;
}

/** Every type, so that one more shows here. */
const TYPES: Readonly<Record<Push["type"], true>> = {
  ping: true,
  connect: true,
  publication: true,
  join: true,
  leave: true,
  memberAdded: true,
  memberRemoved: true,
  subscriptionCount: true,
  subscribe: true,
  unsubscribe: true,
  refresh: true,
  disconnect: true,
};

/** What every codec promises; see the port in core/wire-format.ts. */
export function describeCodecContract({ codec, channel, golden, ...kind }: CodecKind): void {
  const { read, bytesOf = (text: string) => Buffer.from(text) } = kind;
  const { arriving = (payload: Buffer) => payload, channels = anyText } = kind;
  const samples = samplePushes(channel);

  describe(`codec contract: ${codec.id}`, () => {
    it("has a golden message for a push of each type", () => {
      expect(Object.keys(golden).toSorted()).toEqual(Object.keys(samples).toSorted());
      expect(new Set(Object.values(samples).map(({ type }) => type))).toEqual(new Set(Object.keys(TYPES)));
    });

    it.each(Object.entries(samples))("makes the same bytes as ever: %s", (name, push) => {
      const expected = golden[name];
      const bytes = typeof expected === "string" ? bytesOf(expected) : expected;
      expect(shown(codec.encode(push))).toEqual(shown(bytes));
    });

    it("leaves a push as it is, and says the same of it again", () => {
      for (const push of Object.values(samples)) {
        const before = inspect(push, { depth: null });
        const first = codec.encode(push);
        expect(codec.encode(push)).toEqual(first);
        expect(inspect(push, { depth: null })).toBe(before);
      }
    });

    it("carries payloads byte for byte, in channels of any name", () => {
      fc.assert(
        fc.property(channels, jsonPayload, (name, payload) => {
          const { channel: to, data } = read(messageOf(codec, published(name, { data: payload })));
          expect([to, data.toString()]).toEqual([name.toWellFormed(), arriving(payload).toString()]);
        }),
      );
    });

    it.runIf(kind.carries !== "json")("carries payloads that are no JSON", () => {
      const payload =
        kind.carries === "any"
          ? fc.uint8Array({ maxLength: 300 })
          : fc.string().map((text) => Buffer.from(text));
      fc.assert(
        fc.property(payload, (data) => {
          const message = messageOf(codec, published(channel, { data }));
          expect(read(message).data.equals(data)).toBe(true);
        }),
      );
    });

    it.runIf(kind.carries !== "any")("does not carry payloads that would not arrive", () => {
      const binary = [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0x22, 0xff, 0x22]];
      const text =
        kind.carries === "json" ? [[0x7b], [0x31, 0x20, 0x32], [0x20], [0xef, 0xbb, 0xbf, 0x31]] : [];
      for (const data of [...binary, ...text]) {
        expect([data, codec.encode(published(channel, { data: Buffer.from(data) }))]).toEqual([
          data,
          undefined,
        ]);
      }
    });

    it("carries payloads of any size and depth", () => {
      const payloads = [`"${"é".repeat(1_000_000)}"`, `${"[".repeat(5000)}${"]".repeat(5000)}`, ""];
      for (const payload of payloads) {
        const data = Buffer.from(payload);
        const message = messageOf(codec, published(channel, { data, knownJson: payload !== "" }));
        expect(read(message).data.equals(data)).toBe(true);
      }
    });

    it("says of a publication what there is to say", () => {
      fc.assert(
        fc.property(publicationInit, place, (given, { offset, epoch }) => {
          const publication = new Publication(given, offset, epoch);
          const message = messageOf(codec, { type: "publication", channel, publication });
          const { channel: _channel, data: _data, ...facts } = read(message);
          expect(facts).toEqual(pick(factsOf(publication), facts));
        }),
      );
    });

    it.runIf(kind.isOneLine)("makes messages of one line, whatever is in the push", () => {
      fc.assert(
        fc.property(fc.string({ unit: "binary" }), jsonPayload, publicationInit, (text, json, given) => {
          const info = { user: text, client: text, connInfo: json, chanInfo: json };
          const result = { ...PLAIN_SUBSCRIBE_RESULT, data: json, publications: [new Publication(given)] };
          const pushes: Push[] = [
            published(channel, given),
            { type: "join", channel, info },
            { type: "memberAdded", channel, info },
            { type: "subscribe", channel, subscribe: result },
            { type: "unsubscribe", channel, code: 2000, reason: text },
            { type: "disconnect", code: 3000, reason: text },
          ];
          for (const push of pushes) expect(messageOf(codec, push).toString()).not.toMatch(/[\r\n]/u);
        }),
      );
    });
  });
}

/** Text of all planes, and what is none: halves of surrogate pairs. */
const anyText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.string({ unit: fc.integer({ min: 0xd7ff, max: 0xe000 }).map((unit) => String.fromCharCode(unit)) }),
);
const wellFormedText = anyText.map((text) => text.toWellFormed());
const SPACE = fc.constantFrom("", " ", "\t", "\n", "\r\n");
/** JSON as publishers write it: any spelling of numbers and strings, any space between tokens. */
const jsonPayload = fc
  .tuple(
    SPACE,
    fc.oneof(
      fc
        .tuple(fc.json(), fc.nat(3))
        .map(([json, indent]) => JSON.stringify(JSON.parse(json), undefined, indent)),
      fc.string({ unit: "binary" }).map((text) => JSON.stringify(text.toWellFormed())),
      fc.constantFrom("1e400", "-0.0", "12345678901234567890", '"\\u0041\\/"', '{"a":1,"a":2}', '"\\ud800"'),
    ),
    SPACE,
  )
  .map(([before, json, after]) => Buffer.from(before + json + after));
const small = fc.json({ maxDepth: 1 }).map((json) => Buffer.from(JSON.stringify(JSON.parse(json))));
const optionalJson = fc.option(small, { nil: undefined });
const publicationInit: fc.Arbitrary<PublicationInit> = fc.record({
  data: jsonPayload,
  tags: fc.option(fc.dictionary(wellFormedText, anyText, { maxKeys: 5, noNullPrototype: true }), {
    nil: undefined,
  }),
  info: fc.option(
    fc.record({ user: anyText, client: anyText, connInfo: optionalJson, chanInfo: optionalJson }),
    {
      nil: undefined,
    },
  ),
  version: fc.oneof(fc.constantFrom(0n, 1n, 2n ** 53n, 2n ** 64n - 1n), fc.bigInt(0n, 2n ** 64n - 1n)),
});
const place = fc.record({
  offset: fc.oneof(fc.constantFrom(0, 1, 127, 128, 2 ** 32, Number.MAX_SAFE_INTEGER), fc.maxSafeNat()),
  epoch: fc.string({ minLength: 1, maxLength: 8 }),
});

function published(channel: string, init: PublicationInit): Push {
  return { type: "publication", channel, publication: new Publication(init) };
}

function messageOf(codec: Codec, push: Push): Buffer {
  const message = codec.encode(push);
  if (message === undefined) throw new Error(`${codec.id} does not carry it`);
  return Buffer.from(message);
}

/** A message as one reads it, and its bytes. */
function shown(message: Uint8Array | undefined): unknown {
  if (message === undefined) return "not carried";
  if (message === NOTHING) return "nothing";
  const bytes = Buffer.from(message);
  return { text: bytes.toString(), hex: bytes.toString("hex") };
}

/** What there is to say, as well-formed text. */
function factsOf({
  tags = {},
  info,
  offset,
  epoch,
  version,
}: Publication): Omit<ReadPublication, "channel" | "data"> {
  return {
    tags: Object.fromEntries(Object.entries(tags).map(([key, value]) => [key, value.toWellFormed()])),
    info: info && { ...info, user: info.user.toWellFormed(), client: info.client.toWellFormed() },
    offset,
    // It is news only at the first publication of a stream.
    epoch: offset === 1 ? epoch : "",
    version,
  };
}

function pick(facts: object, of: object): object {
  return Object.fromEntries(Object.entries(facts).filter(([name]) => name in of));
}
