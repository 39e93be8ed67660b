import { create, fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type ChannelCredentials,
  Client,
  type ClientReadableStream,
  credentials,
  Metadata,
  status,
  type StatusObject,
} from "@grpc/grpc-js";
import {
  CentrifugoUniStream,
  ConnectRequestSchema,
  type Push,
  PushSchema,
} from "../../gen/centrifugal/centrifugo/unistream/unistream_pb.ts";
import { serviceDefinition } from "../../src/grpc/service-definition.ts";
import { ROOT } from "./command.ts";
import type { PushJson } from "./push-stream.ts";
import { Signal } from "./signal.ts";

/** Full name of the method, as in addresses. */
export const CONSUME = "centrifugal.centrifugo.unistream.CentrifugoUniStream/Consume";
export const BUF: string = `${ROOT}/node_modules/.bin/buf`;
/** What `buf` needs to reach a gRPC port without TLS. */
export const BUF_GRPC: readonly string[] = ["curl", "--protocol", "grpc", "--http2-prior-knowledge"];

export type GrpcConnectRequest = MessageInitShape<typeof ConnectRequestSchema>;

const definition = serviceDefinition(CentrifugoUniStream)["consume"];

/** A grpc-js client of the `Consume` method whose pushes wait until they are asked for. */
export class GrpcPushStream implements Disposable {
  readonly call: ClientReadableStream<Uint8Array>;
  readonly #client: Client;
  readonly #signal = new Signal();
  readonly #messages: Uint8Array[] = [];
  #read = 0;
  #status: StatusObject | undefined;

  constructor(
    address: string,
    request: GrpcConnectRequest = {},
    creds: ChannelCredentials = credentials.createInsecure(),
    metadata: Metadata = new Metadata(),
  ) {
    this.#client = new Client(address, creds);
    if (definition === undefined) throw new Error("the service has no such method");
    this.call = this.#client.makeServerStreamRequest(
      definition.path,
      definition.requestSerialize,
      (bytes) => bytes,
      create(ConnectRequestSchema, request),
      metadata,
    );
    this.call.on("data", (message: Uint8Array) => {
      this.#messages.push(message);
      this.#signal.notify();
    });
    // The status tells more.
    this.call.on("error", () => undefined);
    this.call.on("status", (ended) => {
      this.#status = ended;
      this.#signal.notify();
    });
  }

  /** Messages received, read or not. */
  get messages(): readonly Uint8Array[] {
    return this.#messages;
  }

  /** The next message as it came. */
  async nextBytes(): Promise<Uint8Array> {
    const hasMore = (): boolean => this.#messages.length > this.#read;
    await this.#signal.until(() => hasMore() || this.#status !== undefined, "message");
    const message = this.#messages[this.#read];
    if (message === undefined) throw new Error(`ended with ${JSON.stringify(this.#status)}`);
    this.#read += 1;
    return message;
  }

  async next(): Promise<Push> {
    return fromBinary(PushSchema, await this.nextBytes());
  }

  /** Resolves with the status of the call once it has ended. */
  async untilStatus(limitMs?: number): Promise<Pick<StatusObject, "code" | "details">> {
    await this.#signal.until(() => this.#status !== undefined, "status", limitMs);
    const { code, details } = this.#status ?? { code: status.UNKNOWN, details: "" };
    return { code, details };
  }

  [Symbol.dispose](): void {
    this.call.cancel();
    this.#client.close();
  }
}

/** A publication as JSON transports show it; its payload must be JSON. */
export function pushJsonOf({ channel, pub }: Push): PushJson {
  if (pub === undefined) throw new Error("not a publication");
  const hasTags = Object.keys(pub.tags).length > 0;
  const data: unknown = JSON.parse(Buffer.from(pub.data).toString());
  return { channel, pub: { data, ...(hasTags ? { tags: pub.tags } : {}) } };
}
