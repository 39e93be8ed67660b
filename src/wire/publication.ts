import { type ClientInfo, Publication } from "../core/publication.ts";
import { ProtobufReader } from "../lib/protobuf/reader.ts";
import { delimitedFieldSize, ProtobufWriter, varintFieldSize } from "../lib/protobuf/writer.ts";
import { decodeClientInfo, encodeClientInfo, sizeUnlessEmpty } from "./client-info.ts";

/**
 * Field numbers of Publication (`unistream.proto`), and from 1000 on those that only nodes of Millrace know: others pass
 * over them.
 */
const FIELD = {
  data: 4,
  info: 5,
  offset: 6,
  tags: 7,
  epoch: 14,
  version: 16,
  excludeClient: 1000,
  previous: 1001,
  knownJson: 1002,
} as const;
const MAP_ENTRY = { key: 1, value: 2 } as const;

/** What travels with a publication from node to node, beside what clients get. */
export interface PublicationExtras {
  /** Client id of a subscriber that does not get it; "" for none. */
  readonly excludeClient: string;
  /** The one kept before it, where its publisher asked for deltas. */
  readonly previous: Publication | undefined;
}

/** A publication as it came from another process. */
export interface DecodedPublication extends PublicationExtras {
  readonly publication: Publication;
}

/** A publication of which the size is known, and all that has to be encoded by itself. */
export interface SizedPublication {
  readonly publication: Publication;
  readonly epoch: string;
  readonly epochLength: number;
  readonly info: Buffer | undefined;
  readonly tags: readonly Buffer[];
  readonly size: number;
}

const NO_TAGS: readonly Buffer[] = [];

/** Finds out how large a publication is as clients get it, `epoch` being what it is to say of its epoch. */
export function sizePublication(publication: Publication, epoch: string): SizedPublication {
  const { data, offset, version } = publication;
  const info = publication.info && encodeClientInfo(publication.info);
  const tags =
    publication.tags === undefined ? NO_TAGS : Object.entries(publication.tags).map(encodeMapEntry);
  const epochLength = Buffer.byteLength(epoch);
  let size = sizeUnlessEmpty(FIELD.data, data.length) + sizeUnlessEmpty(FIELD.epoch, epochLength);
  if (info !== undefined) size += delimitedFieldSize(FIELD.info, info.length);
  if (offset > 0) size += varintFieldSize(FIELD.offset, offset);
  for (const tag of tags) size += delimitedFieldSize(FIELD.tags, tag.length);
  if (version > 0n) size += varintFieldSize(FIELD.version, version);
  return { publication, epoch, epochLength, info, tags, size };
}

/** Writes the fields of a publication as clients get it. */
export function writePublication(writer: ProtobufWriter, sized: SizedPublication): void {
  const { data, offset, version } = sized.publication;
  if (data.length > 0) writer.data(FIELD.data, data);
  if (sized.info !== undefined) writer.data(FIELD.info, sized.info);
  if (offset > 0) writer.varint(FIELD.offset, offset);
  for (const tag of sized.tags) writer.data(FIELD.tags, tag);
  if (sized.epochLength > 0) writer.text(FIELD.epoch, sized.epoch, sized.epochLength);
  if (version > 0n) writer.varint(FIELD.version, version);
}

/** The fields that only nodes know, ready to be written. */
export interface SizedExtras {
  readonly excludeClient: string;
  readonly excludeClientLength: number;
  readonly previous: Buffer | undefined;
  readonly knownJson: boolean;
  readonly size: number;
}

export function sizeExtras(
  { knownJson }: Publication,
  { excludeClient, previous }: PublicationExtras,
): SizedExtras {
  const excludeClientLength = Buffer.byteLength(excludeClient);
  const encoded = previous && encodePublication(previous);
  let size = sizeUnlessEmpty(FIELD.excludeClient, excludeClientLength);
  if (encoded !== undefined) size += delimitedFieldSize(FIELD.previous, encoded.length);
  if (knownJson) size += varintFieldSize(FIELD.knownJson, 1);
  return { excludeClient, excludeClientLength, previous: encoded, knownJson, size };
}

export function writeExtras(writer: ProtobufWriter, extras: SizedExtras): void {
  const { excludeClient, excludeClientLength, previous, knownJson } = extras;
  if (excludeClientLength > 0) writer.text(FIELD.excludeClient, excludeClient, excludeClientLength);
  if (previous !== undefined) writer.data(FIELD.previous, previous);
  if (knownJson) writer.varint(FIELD.knownJson, 1);
}

/** A publication for another process, by itself. */
export function encodePublication(publication: Publication): Buffer {
  const sized = sizePublication(publication, publication.epoch);
  const extras = sizeExtras(publication, NO_EXTRAS);
  const writer = new ProtobufWriter(sized.size + extras.size);
  writePublication(writer, sized);
  writeExtras(writer, extras);
  return writer.bytes;
}

const NO_EXTRAS: PublicationExtras = { excludeClient: "", previous: undefined };

/** A publication that another process has encoded; its payload is a part of the bytes. @throws where these are none. */
export function decodePublication(bytes: Uint8Array): DecodedPublication {
  const reader = new ProtobufReader(bytes);
  let data: Uint8Array = NO_DATA;
  let info: ClientInfo | undefined;
  let tags: Record<string, string> | undefined;
  let [offset, epoch, version] = [0, "", 0n];
  let excludeClient = "";
  let previous: Publication | undefined;
  let knownJson = false;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    switch (field) {
      case FIELD.data:
        data = reader.data();
        break;
      case FIELD.info:
        info = decodeClientInfo(reader.data());
        break;
      case FIELD.offset:
        offset = reader.varint();
        break;
      case FIELD.tags:
        // No prototype: any name may be one of a tag.
        tags ??= Object.create(null) as Record<string, string>;
        addMapEntry(tags, reader.data());
        break;
      case FIELD.epoch:
        epoch = reader.text();
        break;
      case FIELD.version:
        version = reader.bigVarint();
        break;
      case FIELD.excludeClient:
        excludeClient = reader.text();
        break;
      case FIELD.previous:
        previous = decodePublication(reader.data()).publication;
        break;
      case FIELD.knownJson:
        knownJson = reader.varint() === 1;
        break;
      default:
        reader.skip();
    }
  }
  const publication = new Publication({ data, tags, info, version, knownJson }, offset, epoch);
  return { publication, excludeClient, previous };
}

const NO_DATA = new Uint8Array(0);

/** Entries of a map have their key and value even where these are empty. */
function encodeMapEntry([key, value]: readonly [string, string]): Buffer {
  const keyLength = Buffer.byteLength(key);
  const valueLength = Buffer.byteLength(value);
  const writer = new ProtobufWriter(
    delimitedFieldSize(MAP_ENTRY.key, keyLength) + delimitedFieldSize(MAP_ENTRY.value, valueLength),
  );
  writer.text(MAP_ENTRY.key, key, keyLength);
  writer.text(MAP_ENTRY.value, value, valueLength);
  return writer.bytes;
}

function addMapEntry(map: Record<string, string>, bytes: Uint8Array): void {
  const reader = new ProtobufReader(bytes);
  let [key, value] = ["", ""];
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === MAP_ENTRY.key) key = reader.text();
    else if (field === MAP_ENTRY.value) value = reader.text();
    else reader.skip();
  }
  map[key] = value;
}
