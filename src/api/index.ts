import type { Route } from "../http/http-app.ts";
import { AnswerQueue } from "./answer-queue.ts";
import { type ApiKeys, createHttpAuth } from "./api-key.ts";
import type { HttpApiConfig } from "./config.ts";
import { createConnectRoutes } from "./connect/routes.ts";
import { type HttpDoorOptions, TRANSPORT_ERROR_MODE } from "./http-door.ts";
import { createApiEncoder } from "./http-json/json-endpoint.ts";
import { createJsonRoutes } from "./http-json/routes.ts";
import { ServerApi, type ServerApiContext } from "./server-api.ts";
export { ApiKeys } from "./api-key.ts";
export { createApiGrpcListener } from "./grpc/listener.ts";

/** The server API of a node. */
export function createServerApi(context: ServerApiContext): ServerApi {
  return new ServerApi(context);
}

/**
 * The doors on the HTTP port: JSON, Connect and gRPC-Web; none when they are switched off.
 *
 * With an empty `handler_prefix` the last route serves whatever no other path does.
 */
export function createApiRoutes(api: ServerApi, config: HttpApiConfig, keys: ApiKeys): Route[] {
  if (config.disabled) return [];
  const { refusals } = api;
  const options: HttpDoorOptions = {
    auth: createHttpAuth({ keys, insecure: config.insecure, refusals }),
    refusals,
    logger: api.logger,
    maxBodyBytes: config.max_request_body_size,
    encoder: createApiEncoder(config.connections_channels_as_array),
    answers: new AnswerQueue(),
    transportErrors: config.error_mode === TRANSPORT_ERROR_MODE,
  };
  return [...createConnectRoutes(api, options), ...createJsonRoutes(api, config.handler_prefix, options)];
}
