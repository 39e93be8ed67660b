import type { Codec } from "../../core/wire-format.ts";
import { headOf, jsonCodec } from "./json-codec.ts";
import { differenceText, isCarriable } from "./json-publication.ts";

/** Publications for subscribers that want differences: payloads are JSON strings, these ones whole. */
export const jsonWholeCodec: Codec = {
  id: "centrifugo-json-whole",
  encode: (push) =>
    jsonPatchCodec.encode(push.type === "publication" ? { ...push, previous: undefined } : push),
};

/** The same as Fossil differences to the publication before, where that is known and it is shorter. */
export const jsonPatchCodec: Codec = {
  id: "centrifugo-json-patch",
  encode(push) {
    if (push.type !== "publication") return jsonCodec.encode(push);
    const { channel, publication, previous } = push;
    if (!isCarriable(publication)) return undefined;
    return Buffer.from(`${headOf(channel)}"pub":${differenceText(publication, previous)}}`);
  },
};
