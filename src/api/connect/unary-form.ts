import type { DescMessage, Message } from "@bufbuild/protobuf";
import { createMethodSerializationLookup, type Serialization } from "@connectrpc/connect/protocol";
import { contentTypeUnaryJson, contentTypeUnaryProto } from "@connectrpc/connect/protocol-connect";
import { UNLIMITED_BYTES } from "../../grpc/compression.ts";
import type { Rpc } from "../rpc.ts";
import { hasPayload, readAroundPayload } from "./json-payload.ts";
import { readingError } from "./protocol.ts";

/** Requests and responses of one rpc in one of the two forms that Connect has for them. */
export class UnaryForm {
  readonly contentType: string;
  /** The type of requests in JSON whose payload is read on its own. */
  readonly #carrier: DescMessage | undefined;
  readonly #requests: Serialization<Message>;
  readonly #responses: Serialization<Message>;
  readonly #empty: Message | undefined;
  readonly #emptyBytes: Uint8Array;

  /** Binary, or else protobuf's JSON; requests of more than `maxBytes` are refused. */
  constructor({ desc, empty }: Rpc, isBinary: boolean, maxBytes: number) {
    this.contentType = isBinary ? contentTypeUnaryProto : contentTypeUnaryJson;
    // What responses may have is what connect-node allows when nothing is said.
    const limits = { readMaxBytes: maxBytes, writeMaxBytes: UNLIMITED_BYTES };
    const lookup = createMethodSerializationLookup(desc, undefined, undefined, limits);
    this.#carrier = !isBinary && hasPayload(desc.input) ? desc.input : undefined;
    this.#requests = lookup.getI(isBinary);
    this.#responses = lookup.getO(isBinary);
    this.#empty = empty;
    this.#emptyBytes = empty === undefined ? new Uint8Array() : this.#responses.serialize(empty);
  }

  /** @throws ConnectError */
  parse(body: Uint8Array): Message {
    const message = this.#carrier && readAroundPayload(this.#carrier, body);
    if (message !== undefined) return message;
    try {
      return this.#requests.parse(body);
    } catch (error) {
      throw readingError(error);
    }
  }

  /** @throws ConnectError */
  serialize(response: Message): Uint8Array {
    return response === this.#empty ? this.#emptyBytes : this.#responses.serialize(response);
  }
}
