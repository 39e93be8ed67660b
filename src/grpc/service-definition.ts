import {
  type DescMessage,
  type DescMethod,
  type DescService,
  fromBinary,
  toBinary,
} from "@bufbuild/protobuf";
import type { MethodDefinition, ServiceDefinition } from "@grpc/grpc-js";

/** Which sides of a service's methods are bytes in its handlers instead of messages. */
export interface RawSides {
  readonly requests?: boolean;
  readonly responses?: boolean;
}

/** Bytes of messages that are sent again and again, each the very same object. */
export type KnownMessages = ReadonlyMap<unknown, Buffer>;

/** A service of the generated code as grpc-js wants it described; methods go by their `localName`. */
export function serviceDefinition(
  service: DescService,
  raw: RawSides = {},
  known: KnownMessages = new Map(),
): ServiceDefinition {
  return Object.fromEntries(
    service.methods.map((method) => [method.localName, methodDefinition(method, raw, known)]),
  );
}

function methodDefinition(
  method: DescMethod,
  raw: RawSides,
  known: KnownMessages,
): MethodDefinition<unknown, unknown> {
  const request = raw.requests === true ? rawBytes : messageOf(method.input, known);
  const response = raw.responses === true ? rawBytes : messageOf(method.output, known);
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    requestStream: method.methodKind === "client_streaming" || method.methodKind === "bidi_streaming",
    responseStream: method.methodKind === "server_streaming" || method.methodKind === "bidi_streaming",
    requestSerialize: request.serialize,
    requestDeserialize: request.deserialize,
    responseSerialize: response.serialize,
    responseDeserialize: response.deserialize,
  };
}

interface Serialization {
  readonly serialize: (value: unknown) => Buffer;
  readonly deserialize: (bytes: Buffer) => unknown;
}

const rawBytes: Serialization = {
  // The handlers of a raw side bring bytes.
  serialize: (value) => asBuffer(value as Uint8Array),
  deserialize: (bytes) => bytes,
};

function messageOf(desc: DescMessage, known: KnownMessages): Serialization {
  return {
    // grpc-js hands over what the handlers of this method return: messages of its type.
    serialize: (value) => known.get(value) ?? asBuffer(toBinary(desc, value as never)),
    deserialize: (bytes) => fromBinary(desc, bytes),
  };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
