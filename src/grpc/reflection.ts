import {
  create,
  type DescExtension,
  type DescFile,
  type DescMessage,
  type DescMethodBiDiStreaming,
  type DescService,
  fromBinary,
  type MessageInitShape,
  toBinary,
} from "@bufbuild/protobuf";
import { nestedTypes } from "@bufbuild/protobuf/reflect";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type MethodImpl } from "@connectrpc/connect";
import { type handleBidiStreamingCall, status } from "@grpc/grpc-js";
import {
  ServerReflection as ServerReflectionV1,
  type ServerReflectionRequest,
  ServerReflectionRequestSchema,
  type ServerReflectionResponse,
  ServerReflectionResponseSchema,
} from "../../gen/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as ServerReflectionV1Alpha } from "../../gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { createRpcHandlers, type RpcHandler } from "./rpc-handlers.ts";

type Answer = NonNullable<MessageInitShape<typeof ServerReflectionResponseSchema>["messageResponse"]>;

/**
 * The schema of a server's services, as the reflection protocol tells it (grpc.reflection.v1; v1alpha has
 * the same messages on the wire).
 */
export class ReflectionIndex {
  readonly #services: readonly string[];
  readonly #files = new Map<string, DescFile>();
  readonly #symbols = new Map<string, DescFile>();
  readonly #messages = new Set<string>();
  readonly #extensions = new Map<string, Map<number, DescExtension>>();

  constructor(services: readonly DescService[]) {
    this.#services = services.map((service) => service.typeName).toSorted();
    for (const service of services) this.#addFile(service.file);
  }

  /** Answers a request; undefined for one that asks nothing. */
  respond(request: ServerReflectionRequest): ServerReflectionResponse | undefined {
    const messageResponse = this.answer(request.messageRequest);
    if (messageResponse === undefined) return undefined;
    const { host: validHost } = request;
    return create(ServerReflectionResponseSchema, { validHost, originalRequest: request, messageResponse });
  }

  /** Answers one question; undefined where nothing is asked. */
  answer(request: ServerReflectionRequest["messageRequest"]): Answer | undefined {
    switch (request.case) {
      case "listServices":
        return {
          case: "listServicesResponse",
          value: { service: this.#services.map((name) => ({ name })) },
        };
      case "fileByFilename":
        return answerFile(this.#files.get(request.value), request.value);
      case "fileContainingSymbol":
        return answerFile(this.#symbols.get(request.value), request.value);
      case "fileContainingExtension": {
        const { containingType, extensionNumber } = request.value;
        const extension = this.#extensions.get(containingType)?.get(extensionNumber);
        return answerFile(extension?.file, `extension ${extensionNumber} of ${containingType}`);
      }
      case "allExtensionNumbersOfType":
        return this.#answerExtensions(request.value);
      case undefined:
        return undefined;
    }
  }

  #answerExtensions(typeName: string): Answer {
    const extensions = this.#extensions.get(typeName);
    if (extensions === undefined && !this.#messages.has(typeName)) return notFound(typeName);
    const extensionNumber = [...(extensions?.keys() ?? [])].toSorted((a, b) => a - b);
    return { case: "allExtensionNumbersResponse", value: { baseTypeName: typeName, extensionNumber } };
  }

  #addFile(file: DescFile): void {
    if (this.#files.has(file.proto.name)) return;
    this.#files.set(file.proto.name, file);
    for (const dependency of file.dependencies) this.#addFile(dependency);
    for (const type of nestedTypes(file)) {
      this.#symbols.set(type.typeName, file);
      switch (type.kind) {
        case "message":
          this.#messages.add(type.typeName);
          this.#addMembers(type, file);
          break;
        case "enum": {
          // Enum values are named in the scope that their enum is in.
          const scope = type.typeName.slice(0, -type.name.length);
          for (const { name } of type.values) this.#symbols.set(scope + name, file);
          break;
        }
        case "service":
          for (const { name } of type.methods) this.#symbols.set(`${type.typeName}.${name}`, file);
          break;
        case "extension":
          this.#addExtension(type);
          break;
      }
    }
  }

  #addMembers(message: DescMessage, file: DescFile): void {
    // Here are also the entry types of maps, which descriptors keep to themselves.
    for (const { name } of message.proto.nestedType) this.#symbols.set(`${message.typeName}.${name}`, file);
    for (const { name } of message.fields) this.#symbols.set(`${message.typeName}.${name}`, file);
    for (const { name } of message.oneofs) this.#symbols.set(`${message.typeName}.${name}`, file);
  }

  #addExtension(extension: DescExtension): void {
    const extended = extension.extendee.typeName;
    const known = this.#extensions.get(extended) ?? new Map<number, DescExtension>();
    this.#extensions.set(extended, known.set(extension.number, extension));
  }
}

/** What is told of a request that asks nothing. */
export const INVALID_REQUEST = "invalid reflection request";

/** Serves an index over streams whose requests and responses are bytes. */
export function createReflectionHandler(
  index: ReflectionIndex,
  closing: AbortSignal,
): handleBidiStreamingCall<Uint8Array, Uint8Array> {
  return (call) => {
    const end = (): void => void call.end();
    closing.addEventListener("abort", end, { once: true });
    call.once("close", () => closing.removeEventListener("abort", end));
    call.on("end", end);
    call.on("data", (bytes: Uint8Array) => {
      const response = index.respond(readRequest(bytes));
      if (response === undefined) {
        call.emit("error", { code: status.INVALID_ARGUMENT, details: INVALID_REQUEST });
        return;
      }
      if (call.write(toBinary(ServerReflectionResponseSchema, response))) return;
      // A client that asks without reading answers waits, instead of filling our memory.
      call.pause();
      call.once("drain", () => call.resume());
    });
  };
}

/** A request that cannot be read asks nothing. */
function readRequest(bytes: Uint8Array): ServerReflectionRequest {
  try {
    return fromBinary(ServerReflectionRequestSchema, bytes);
  } catch {
    return create(ServerReflectionRequestSchema);
  }
}

/** A file with everything it imports, so that one answer is enough. */
function answerFile(file: DescFile | undefined, name: string): Answer {
  if (file === undefined) return notFound(name);
  const fileDescriptorProto = [...withDependencies(file)].map((each) =>
    toBinary(FileDescriptorProtoSchema, each.proto),
  );
  return { case: "fileDescriptorResponse", value: { fileDescriptorProto } };
}

function withDependencies(file: DescFile, found: Set<DescFile> = new Set()): Set<DescFile> {
  found.add(file);
  for (const dependency of file.dependencies) if (!found.has(dependency)) withDependencies(dependency, found);
  return found;
}

function notFound(name: string): Answer {
  return {
    case: "errorResponse",
    value: { errorCode: status.NOT_FOUND, errorMessage: `not found: ${name}` },
  };
}

/** What a request may have; names are short. */
const MAX_REQUEST_BYTES = 65_536;

/** Serves the schema of services on an HTTP port, by path. Streams end when `closing` aborts. */
export function createReflectionHandlers(
  services: readonly DescService[],
  closing: AbortSignal,
): ReadonlyMap<string, RpcHandler> {
  const index = new ReflectionIndex([...services, ServerReflectionV1, ServerReflectionV1Alpha]);
  const v1 = ServerReflectionV1.method.serverReflectionInfo;
  const answer: MethodImpl<typeof v1> = async function* answer(requests) {
    for await (const request of untilAborted(requests, closing)) {
      const response = index.respond(request);
      if (response === undefined) throw new ConnectError(INVALID_REQUEST, Code.InvalidArgument);
      yield response;
    }
  };
  return createRpcHandlers({
    readMaxBytes: MAX_REQUEST_BYTES,
    routes(router) {
      router.rpc(v1, answer);
      // Its messages are the same on the wire.
      const v1alpha: DescMethodBiDiStreaming = { ...v1, parent: ServerReflectionV1Alpha };
      router.rpc(v1alpha, answer as MethodImpl<DescMethodBiDiStreaming>);
    },
  });
}

async function* untilAborted<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncIterable<T> {
  const { promise: aborted, resolve } = Promise.withResolvers<undefined>();
  const abort = (): void => resolve(undefined);
  signal.addEventListener("abort", abort, { once: true });
  const iterator = source[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), aborted]);
      if (next === undefined || next.done === true) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
