import { create, type Message, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { anyPack, AnySchema } from "@bufbuild/protobuf/wkt";
import { Metadata, status, type StatusObject, type UntypedServiceImplementation } from "@grpc/grpc-js";
import { CentrifugoApi, ErrorSchema } from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import { http2Limits } from "../../config/sections/http2.ts";
import type { ClientError } from "../../core/client-error.ts";
import type { RefusalLog } from "../../core/refusal-log.ts";
import type { CallRefusal } from "../../core/refusal.ts";
import { GrpcListener, type UnaryHandler, unimplemented } from "../../grpc/listener.ts";
import type { TlsCredentials } from "../../lib/tls-credentials.ts";
import { type ApiCaller, type ApiKeys, GRPC_KEY_HINT, grpcCaller } from "../api-key.ts";
import { GrpcOrigin, grpcPeerAddress } from "../call-origin.ts";
import type { GrpcApiConfig } from "../config.ts";
import { ERROR_MODE_HEADER, TRANSPORT_ERROR_MODE, transportStatus } from "../http-door.ts";
import { implementedRpcs, type Rpc } from "../rpc.ts";
import type { ServerApi } from "../server-api.ts";

/**
 * The gRPC door: a listener of its own for the service (docs/protocols/server-api.md §5.1). Undefined when it is
 * switched off.
 */
export function createApiGrpcListener(
  api: ServerApi,
  config: GrpcApiConfig,
  keys: ApiKeys,
  tls: TlsCredentials | undefined,
): GrpcListener | undefined {
  if (!config.enabled) return undefined;
  const { address: host, port, max_receive_message_size: maxReceiveMessageBytes, reflection } = config;
  const http2 = http2Limits(config.http2);
  const listener = new GrpcListener({ host, port, maxReceiveMessageBytes, reflection, http2, tls });
  const rpcs = implementedRpcs(api);
  const handlers = createHandlers(rpcs, { config, keys, refusals: api.refusals });
  listener.addService(CentrifugoApi, handlers, {}, emptyResponses(rpcs));
  return listener;
}

type Rpcs = ReturnType<typeof implementedRpcs>;

function emptyResponses(rpcs: Rpcs): ReadonlyMap<unknown, Buffer> {
  const bytes = new Map<unknown, Buffer>();
  for (const { desc, empty } of rpcs.values()) {
    if (empty !== undefined) bytes.set(empty, Buffer.from(toBinary(desc.output, empty)));
  }
  return bytes;
}

interface HandlersOptions {
  readonly config: GrpcApiConfig;
  readonly keys: ApiKeys;
  readonly refusals: RefusalLog;
}

/** A handler for every method of the schema: even those that are not implemented ask for the key first. */
function createHandlers(
  rpcs: Rpcs,
  { config, keys, refusals }: HandlersOptions,
): UntypedServiceImplementation {
  return Object.fromEntries(
    CentrifugoApi.methods.map((desc) => {
      const rpc = rpcs.get(desc);
      return [
        desc.localName,
        guarded(keys, rpc === undefined ? unimplemented(desc) : handlerOf(rpc, config), (call, reason) =>
          refusals.note(reason, { address: grpcPeerAddress(call), rpc: desc.name }),
        ),
      ];
    }),
  );
}

/** Handles the calls of those who may call. */
type CallerHandler = (...call: [...Parameters<UnaryHandler>, caller: ApiCaller]) => void;

function guarded(
  keys: ApiKeys,
  handler: CallerHandler,
  onRefused: (call: Parameters<UnaryHandler>[0], reason: CallRefusal) => void,
): UnaryHandler {
  return (call, callback) => {
    const [authorization] = call.metadata.get("authorization");
    const caller = grpcCaller(keys, authorization);
    if (caller !== undefined) return handler(call, callback, caller);
    onRefused(call, authorization === undefined ? "api_key_missing" : "api_key_wrong");
    callback({ code: status.UNAUTHENTICATED, details: `unauthenticated: ${GRPC_KEY_HINT}` });
  };
}

function handlerOf(rpc: Rpc, config: GrpcApiConfig): CallerHandler {
  const answer = async (...[call, callback, caller]: Parameters<CallerHandler>): Promise<void> => {
    // The definition of the method deserialises its requests.
    const { response, error } = await rpc.answer(call.request as Message, new GrpcOrigin(call, caller));
    const isStatus =
      error !== undefined &&
      (config.error_mode === TRANSPORT_ERROR_MODE || asksForTransportErrors(call.metadata));
    if (isStatus) callback(errorStatus(error));
    else callback(null, response);
  };
  return (...call) => void answer(...call);
}

function asksForTransportErrors(metadata: Metadata): boolean {
  return metadata.get(ERROR_MODE_HEADER)[0] === TRANSPORT_ERROR_MODE;
}

/** Where gRPC keeps a `google.rpc.Status`. */
const DETAILS_KEY = "grpc-status-details-bin";
/** Field numbers of `google.rpc.Status`. */
const CODE = 1;
const MESSAGE = 2;
const DETAILS = 3;

/** An API error as the status of a call: its message, and itself in the details (docs/protocols/server-api.md §5.1). */
export function errorStatus(error: ClientError): Partial<StatusObject> {
  const { rpcCode } = transportStatus(error);
  const { code, message } = error;
  const detail = anyPack(ErrorSchema, create(ErrorSchema, { code, message }));
  const details = new BinaryWriter()
    .tag(CODE, WireType.Varint)
    .int32(rpcCode)
    .tag(MESSAGE, WireType.LengthDelimited)
    .string(message)
    .tag(DETAILS, WireType.LengthDelimited)
    .bytes(toBinary(AnySchema, detail))
    .finish();
  const metadata = new Metadata();
  metadata.set(DETAILS_KEY, Buffer.from(details));
  return { code: rpcCode, details: message, metadata };
}
