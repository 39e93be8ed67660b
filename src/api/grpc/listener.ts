import type { DescMethod, Message } from "@bufbuild/protobuf";
import {
  type handleUnaryCall,
  type Metadata,
  type sendUnaryData,
  type ServerUnaryCall,
  status,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { type BatchRequest, CentrifugoApi } from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import { GrpcListener, unimplemented } from "../../grpc/listener.ts";
import { createGrpcAuth } from "../api-key.ts";
import type { GrpcApiConfig } from "../config.ts";
import { grpcOrigin } from "../call-origin.ts";
import { ERROR_MODE_HEADER, TRANSPORT_ERROR_MODE } from "../http-door.ts";
import type { ApiMethod } from "../method.ts";
import { responseOf, type ServerApi } from "../server-api.ts";
import { errorStatus } from "./status-details.ts";

/** The gRPC door: a listener of its own for the service (server-api §6). Undefined when it is switched off. */
export function createApiGrpcListener(api: ServerApi, config: GrpcApiConfig): GrpcListener | undefined {
  if (!config.enabled) return undefined;
  const { address: host, port, max_receive_message_size: maxReceiveMessageBytes, reflection, tls } = config;
  const listener = new GrpcListener({
    host,
    port,
    maxReceiveMessageBytes,
    reflection,
    tls: tls.enabled
      ? { certPem: tls.cert_pem, keyPem: tls.key_pem, clientCaPem: tls.client_ca_pem }
      : undefined,
  });
  listener.addService(CentrifugoApi, createHandlers(api, config));
  return listener;
}

/** A handler for every method of the schema: even those that are not implemented ask for the key first. */
function createHandlers(api: ServerApi, config: GrpcApiConfig): UntypedServiceImplementation {
  const handlers = new Map<DescMethod, UnaryHandler>();
  for (const method of api.methods) handlers.set(method.rpc, methodHandler(api, method, config));
  handlers.set(CentrifugoApi.method.batch, batchHandler(api));
  const auth = createGrpcAuth(config.key);
  return Object.fromEntries(
    CentrifugoApi.methods.map((rpc) => [
      rpc.localName,
      guarded(auth, handlers.get(rpc) ?? unimplemented(rpc)),
    ]),
  );
}

/** grpc-js knows the types of a method by its definition only. */
type UnaryHandler = handleUnaryCall<unknown, unknown>;

function guarded(auth: ReturnType<typeof createGrpcAuth>, handler: UnaryHandler): UnaryHandler {
  return (call, callback) => {
    const [authorization] = call.metadata.get("authorization");
    if (auth(authorization)) handler(call, callback);
    else callback({ code: status.UNAUTHENTICATED, details: "unauthenticated" });
  };
}

function methodHandler(api: ServerApi, method: ApiMethod, config: GrpcApiConfig): UnaryHandler {
  const answer = async (
    call: ServerUnaryCall<unknown, unknown>,
    callback: sendUnaryData<unknown>,
  ): Promise<void> => {
    // The definition of the method deserialises its requests.
    const outcome = await api.run(method, call.request as Message, grpcOrigin(call));
    const asStatus = config.error_mode === TRANSPORT_ERROR_MODE || asksForTransportErrors(call.metadata);
    if (!outcome.ok && asStatus) callback(errorStatus(outcome.error));
    else callback(null, responseOf(method, outcome));
  };
  return (call, callback) => void answer(call, callback);
}

function batchHandler(api: ServerApi): UnaryHandler {
  const answer = async (
    call: ServerUnaryCall<unknown, unknown>,
    callback: sendUnaryData<unknown>,
  ): Promise<void> => {
    // As above.
    const { commands, parallel } = call.request as BatchRequest;
    callback(null, await api.runBatch(commands, parallel, grpcOrigin(call)));
  };
  return (call, callback) => void answer(call, callback);
}

function asksForTransportErrors(metadata: Metadata): boolean {
  return metadata.get(ERROR_MODE_HEADER)[0] === TRANSPORT_ERROR_MODE;
}
