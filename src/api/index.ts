import type { Logger } from "../core/logger.ts";
import type { Route } from "../http/route.ts";
import { AnswerQueue } from "./answer-queue.ts";
import { createHttpAuth } from "./api-key.ts";
import type { HttpApiConfig } from "./config.ts";
import { createConnectRoutes } from "./connect/routes.ts";
import { type HttpDoorOptions, TRANSPORT_ERROR_MODE } from "./http-door.ts";
import { createApiEncoder } from "./http-json/encoder.ts";
import { createJsonRoutes } from "./http-json/routes.ts";
import type { ApiNode } from "./ports.ts";
import { ServerApi } from "./server-api.ts";

export { createApiGrpcListener } from "./grpc/listener.ts";

/** The server API of a node; `logger` hears of calls that fail by our fault. */
export function createServerApi(node: ApiNode, logger: Logger): ServerApi {
  return new ServerApi(node, logger);
}

/**
 * The doors on the HTTP port: JSON, Connect and gRPC-Web; none when they are switched off.
 *
 * With an empty `handler_prefix` the last route serves whatever no other path does.
 */
export function createApiRoutes(api: ServerApi, config: HttpApiConfig): Route[] {
  if (config.disabled) return [];
  const options: HttpDoorOptions = {
    auth: createHttpAuth(config),
    maxBodyBytes: config.max_request_body_size,
    encoder: createApiEncoder(config.connections_channels_as_array),
    answers: new AnswerQueue(),
    transportErrors: config.error_mode === TRANSPORT_ERROR_MODE,
  };
  return [...createConnectRoutes(api, options), ...createJsonRoutes(api, config.handler_prefix, options)];
}
