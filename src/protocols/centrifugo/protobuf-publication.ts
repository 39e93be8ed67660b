import type { Publication } from "../../core/publication.ts";
import { delimitedFieldSize, ProtobufWriter } from "../../lib/protobuf/writer.ts";
import { sizeUnlessEmpty } from "../../wire/client-info.ts";
import { sizePublication, writePublication } from "../../wire/publication.ts";

/** Field numbers of Push (`unistream.proto`). */
const FIELD = { channel: 2, publication: 4 } as const;

/** A push with a publication, byte for byte as the generic encoder has it, at a tenth of the cost. */
export function encodePublicationPush(channel: string, publication: Publication): Buffer {
  // The epoch is news only at the first publication of a stream.
  const sized = sizePublication(publication, publication.offset === 1 ? publication.epoch : "");
  const channelLength = Buffer.byteLength(channel);
  const writer = new ProtobufWriter(
    sizeUnlessEmpty(FIELD.channel, channelLength) + delimitedFieldSize(FIELD.publication, sized.size),
  );
  if (channelLength > 0) writer.text(FIELD.channel, channel, channelLength);
  writer.message(FIELD.publication, sized.size);
  writePublication(writer, sized);
  return writer.bytes;
}
