import { isUtf8 } from "node:buffer";
import { createDelta } from "fossil-delta";
import type { ClientInfo, Publication } from "../../core/publication.ts";
import { quoteJson } from "../../lib/json/encode-message.ts";

const LF = 0x0a;
const CR = 0x0d;

/** Differences between larger payloads than this take too long to make; they go out whole. */
const MAX_DELTA_BYTES = 16_384;
/** The same for the payloads of one list together. */
const MAX_LIST_DELTA_BYTES = 1_048_576;

/** Whether JSON can carry the publication: its payload is JSON, or empty and so left out. */
export function isCarriable(publication: Publication): boolean {
  return publication.data.length === 0 || publication.isJson;
}

/** The hot one: text around the payload's own bytes, in one allocation. `head` is what stands before the publication. */
export function encodePublication(head: string, publication: Publication): Buffer {
  if (publication.data.length === 0) return Buffer.from(`${head}${emptyText(publication)}}`);
  const before = `${head}{"data":`;
  const after = `${tailOf(publication)}}}`;
  const data = withoutLineBreaks(publication.data);
  const bytes = Buffer.allocUnsafe(Buffer.byteLength(before) + data.length + Buffer.byteLength(after));
  let at = bytes.write(before);
  bytes.set(data, at);
  at += data.length;
  bytes.write(after, at);
  return bytes;
}

/** A publication inside another message. */
function publicationText(publication: Publication): string {
  const { data } = publication;
  return data.length === 0 ? emptyText(publication) : `{"data":${rawText(data)}${tailOf(publication)}}`;
}

function emptyText(publication: Publication): string {
  return `{${tailOf(publication).slice(1)}}`;
}

/**
 * A publication for a subscriber that wants differences, whose payload is a string: the difference to the publication
 * before where that is known and it is shorter, else the whole. It has neither epoch nor version.
 */
export function differenceText(publication: Publication, previous: Publication | undefined): string {
  const patch = patchOf(publication, previous);
  const data = quoteJson(patch ?? textOf(publication.data));
  const flag = patch === undefined ? "" : `,"delta":true`;
  return `{"data":${data}${commonTailOf(publication)}${flag}}`;
}

/** Clients that come back at once with the same gap get the same list, whose text is made once for all of them. */
const knownTexts = {
  whole: new WeakMap<readonly Publication[], string>(),
  differences: new WeakMap<readonly Publication[], string>(),
};

/** An array of publications that follow each other; as differences, the first one is whole. */
export function publicationsText(publications: readonly Publication[], asDifferences: boolean): string {
  const known = asDifferences ? knownTexts.differences : knownTexts.whole;
  let text = known.get(publications);
  if (text === undefined) {
    const texts = asDifferences ? differenceTexts(publications) : publications.map(publicationText);
    text = `[${texts.join(",")}]`;
    known.set(publications, text);
  }
  return text;
}

function differenceTexts(publications: readonly Publication[]): string[] {
  let bytesLeft = MAX_LIST_DELTA_BYTES;
  return publications.map((publication, index) => {
    bytesLeft -= publication.data.length;
    return differenceText(publication, bytesLeft > 0 ? publications[index - 1] : undefined);
  });
}

/** Undefined where the whole payload serves better. */
function patchOf({ data, isJson }: Publication, previous: Publication | undefined): string | undefined {
  if (!isJson || previous?.isJson !== true) return undefined;
  if (data.length > MAX_DELTA_BYTES || previous.data.length > MAX_DELTA_BYTES) return undefined;
  const patch = createDelta<Uint8Array>(previous.data, data);
  // A patch may cut a character in two, and then is no text.
  return patch.length < data.length && isUtf8(patch) ? textOf(patch) : undefined;
}

/** What follows the payload, each member behind a comma. */
function tailOf(publication: Publication): string {
  const { offset, epoch, version } = publication;
  let tail = commonTailOf(publication);
  // The epoch is new only at the first publication of a stream.
  if (offset === 1) tail += `,"epoch":${quoteJson(epoch)}`;
  if (version > 0n) tail += `,"version":${version}`;
  return tail;
}

function commonTailOf({ info, offset, tags }: Publication): string {
  let tail = "";
  if (info !== undefined) tail += `,"info":${infoObject(info)}`;
  if (offset > 0) tail += `,"offset":${offset}`;
  if (tags !== undefined) tail += tagsMember(tags);
  return tail;
}

function tagsMember(tags: Readonly<Record<string, string>>): string {
  const members = Object.entries(tags).map(([key, value]) => `${quoteJson(key)}:${quoteJson(value)}`);
  return members.length === 0 ? "" : `,"tags":{${members.join(",")}}`;
}

/** `user` and `client` are always present, even when empty. */
export function infoObject(info: ClientInfo): string {
  let members = `"user":${quoteJson(info.user)},"client":${quoteJson(info.client)}`;
  if (info.connInfo !== undefined) members += `,"conn_info":${rawText(info.connInfo)}`;
  if (info.chanInfo !== undefined) members += `,"chan_info":${rawText(info.chanInfo)}`;
  return `{${members}}`;
}

/** JSON as it came, on one line. */
export function rawText(json: Uint8Array): string {
  return textOf(withoutLineBreaks(json));
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
}

/**
 * The same JSON on one line, as line-based transports need it. Within valid JSON a raw line break can only
 * stand between tokens, so leaving it out changes nothing.
 */
function withoutLineBreaks(json: Uint8Array): Uint8Array {
  if (!json.includes(LF) && !json.includes(CR)) return json;
  return json.filter((byte) => byte !== LF && byte !== CR);
}
