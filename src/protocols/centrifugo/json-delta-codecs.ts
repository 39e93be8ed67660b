import { isUtf8 } from "node:buffer";
import { createDelta } from "fossil-delta";
import type { Publication } from "../../core/publication.ts";
import type { Codec } from "../../core/wire-format.ts";
import { quoteJson } from "../../lib/json/quote.ts";
import { jsonCodec, publicationPush } from "./json-codec.ts";

/** Differences between larger payloads than this take too long to make; they go out whole. */
const MAX_DELTA_BYTES = 16_384;

/** Publications for subscribers that want differences: payloads are JSON strings, these ones whole. */
export const jsonWholeCodec: Codec = {
  id: "centrifugo-json-whole",
  encode(push) {
    if (push.type !== "publication") return jsonCodec.encode(push);
    const { channel, publication } = push;
    return publication.isJson ? encode(channel, publication, textOf(publication.data), false) : undefined;
  },
};

/** The same as Fossil differences to the publication before, where that is known and it is shorter. */
export const jsonPatchCodec: Codec = {
  id: "centrifugo-json-patch",
  encode(push) {
    const patch = push.type === "publication" ? patchOf(push.publication, push.previous) : undefined;
    if (push.type !== "publication" || patch === undefined) return jsonWholeCodec.encode(push);
    return encode(push.channel, push.publication, patch, true);
  },
};

function encode(channel: string, publication: Publication, data: string, isPatch: boolean): Buffer {
  return Buffer.from(publicationPush(channel, publication, quoteJson(data), isPatch));
}

/** Undefined where the whole payload serves better. */
function patchOf({ data, isJson }: Publication, previous: Publication | undefined): string | undefined {
  if (!isJson || previous?.isJson !== true) return undefined;
  if (data.length > MAX_DELTA_BYTES || previous.data.length > MAX_DELTA_BYTES) return undefined;
  const patch = createDelta<Uint8Array>(previous.data, data);
  // A patch may cut a character in two, and then is no text.
  return patch.length < data.length && isUtf8(patch) ? textOf(patch) : undefined;
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
}
