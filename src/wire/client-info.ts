import type { ClientInfo } from "../core/publication.ts";
import { ProtobufReader } from "../lib/protobuf/reader.ts";
import { delimitedFieldSize, ProtobufWriter } from "../lib/protobuf/writer.ts";

/** Field numbers of ClientInfo (`unistream.proto`). */
const FIELD = { user: 1, client: 2, connInfo: 3, chanInfo: 4 } as const;

const NOTHING = new Uint8Array(0);

/** A client's info as a protobuf message; what is empty is left out. */
export function encodeClientInfo({
  user,
  client,
  connInfo = NOTHING,
  chanInfo = NOTHING,
}: ClientInfo): Buffer {
  const userLength = Buffer.byteLength(user);
  const clientLength = Buffer.byteLength(client);
  const writer = new ProtobufWriter(
    sizeUnlessEmpty(FIELD.user, userLength) +
      sizeUnlessEmpty(FIELD.client, clientLength) +
      sizeUnlessEmpty(FIELD.connInfo, connInfo.length) +
      sizeUnlessEmpty(FIELD.chanInfo, chanInfo.length),
  );
  if (userLength > 0) writer.text(FIELD.user, user, userLength);
  if (clientLength > 0) writer.text(FIELD.client, client, clientLength);
  if (connInfo.length > 0) writer.data(FIELD.connInfo, connInfo);
  if (chanInfo.length > 0) writer.data(FIELD.chanInfo, chanInfo);
  return writer.bytes;
}

/** @throws where the bytes are none of a message */
export function decodeClientInfo(bytes: Uint8Array): ClientInfo {
  const reader = new ProtobufReader(bytes);
  let user = "";
  let client = "";
  let connInfo: Buffer | undefined;
  let chanInfo: Buffer | undefined;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === FIELD.user) user = reader.text();
    else if (field === FIELD.client) client = reader.text();
    else if (field === FIELD.connInfo) connInfo = reader.data();
    else if (field === FIELD.chanInfo) chanInfo = reader.data();
    else reader.skip();
  }
  return { user, client, connInfo, chanInfo };
}

/** Bytes of a field that is left out where it is empty. */
export function sizeUnlessEmpty(field: number, length: number): number {
  return length === 0 ? 0 : delimitedFieldSize(field, length);
}
