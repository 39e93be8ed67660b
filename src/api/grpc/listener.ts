import { type Message, toBinary } from "@bufbuild/protobuf";
import {
  type Metadata,
  type sendUnaryData,
  type ServerUnaryCall,
  status,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { CentrifugoApi } from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import { http2Limits } from "../../config/sections/http2.ts";
import type { RefusalLog } from "../../core/refusal-log.ts";
import type { CallRefusal } from "../../core/refusal.ts";
import { GrpcListener, unimplemented, type UnaryHandler } from "../../grpc/listener.ts";
import type { TlsCredentials } from "../../lib/tls-credentials.ts";
import { createGrpcAuth } from "../api-key.ts";
import type { GrpcApiConfig } from "../config.ts";
import { GrpcOrigin, grpcPeerAddress } from "../call-origin.ts";
import { ERROR_MODE_HEADER, TRANSPORT_ERROR_MODE } from "../http-door.ts";
import { implementedRpcs, type Rpc } from "../rpc.ts";
import type { ServerApi } from "../server-api.ts";
import { errorStatus } from "./status-details.ts";

type Rpcs = ReturnType<typeof implementedRpcs>;

/**
 * The gRPC door: a listener of its own for the service (docs/protocols/server-api.md §5.1). Undefined when it is
 * switched off.
 */
export function createApiGrpcListener(
  api: ServerApi,
  config: GrpcApiConfig,
  tls: TlsCredentials | undefined,
): GrpcListener | undefined {
  if (!config.enabled) return undefined;
  const { address: host, port, max_receive_message_size: maxReceiveMessageBytes, reflection } = config;
  const http2 = http2Limits(config.http2);
  const listener = new GrpcListener({ host, port, maxReceiveMessageBytes, reflection, http2, tls });
  const rpcs = implementedRpcs(api);
  listener.addService(CentrifugoApi, createHandlers(rpcs, config, api.refusals), {}, emptyResponses(rpcs));
  return listener;
}

function emptyResponses(rpcs: Rpcs): ReadonlyMap<unknown, Buffer> {
  const bytes = new Map<unknown, Buffer>();
  for (const { desc, empty } of rpcs.values()) {
    if (empty !== undefined) bytes.set(empty, Buffer.from(toBinary(desc.output, empty)));
  }
  return bytes;
}

/** A handler for every method of the schema: even those that are not implemented ask for the key first. */
function createHandlers(
  rpcs: Rpcs,
  config: GrpcApiConfig,
  refusals: RefusalLog,
): UntypedServiceImplementation {
  const auth = createGrpcAuth(config.key);
  return Object.fromEntries(
    CentrifugoApi.methods.map((desc) => {
      const rpc = rpcs.get(desc);
      return [
        desc.localName,
        guarded(auth, rpc === undefined ? unimplemented(desc) : handlerOf(rpc, config), (call, reason) =>
          refusals.note(reason, { address: grpcPeerAddress(call), rpc: desc.name }),
        ),
      ];
    }),
  );
}

function guarded(
  auth: ReturnType<typeof createGrpcAuth>,
  handler: UnaryHandler,
  onRefused: (call: Parameters<UnaryHandler>[0], reason: CallRefusal) => void,
): UnaryHandler {
  return (call, callback) => {
    const [authorization] = call.metadata.get("authorization");
    if (auth(authorization)) return handler(call, callback);
    onRefused(call, authorization === undefined ? "api_key_missing" : "api_key_wrong");
    callback({ code: status.UNAUTHENTICATED, details: "unauthenticated" });
  };
}

function handlerOf(rpc: Rpc, config: GrpcApiConfig): UnaryHandler {
  const answer = async (
    call: ServerUnaryCall<unknown, unknown>,
    callback: sendUnaryData<unknown>,
  ): Promise<void> => {
    // The definition of the method deserialises its requests.
    const { response, error } = await rpc.answer(call.request as Message, new GrpcOrigin(call));
    const isStatus =
      error !== undefined &&
      (config.error_mode === TRANSPORT_ERROR_MODE || asksForTransportErrors(call.metadata));
    if (isStatus) callback(errorStatus(error));
    else callback(null, response);
  };
  return (call, callback) => void answer(call, callback);
}

function asksForTransportErrors(metadata: Metadata): boolean {
  return metadata.get(ERROR_MODE_HEADER)[0] === TRANSPORT_ERROR_MODE;
}
