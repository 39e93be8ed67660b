import { CentrifugoApi } from "../../gen/centrifugal/centrifugo/api/api_pb.ts";
import type { Edge, TryContext } from "../config/edge.ts";
import { BUF_CURL, quoteForShell } from "../lib/shell.ts";
import {
  firstApiKey,
  type GrpcApiConfig,
  grpcApiConfig,
  type HttpApiConfig,
  httpApiConfig,
} from "./config.ts";

const BASE64_NOTE = "its JSON has bytes in base64; these are the same";
const PUBLISH_PATH = `${CentrifugoApi.typeName}/${CentrifugoApi.method.publish.name}`;

/** The server API over HTTP: JSON, Connect and gRPC-Web. */
export const httpApiEdge: Edge<"http_api", HttpApiConfig> = {
  name: "http_api",
  section: httpApiConfig,
  role: "api",
  isEnabled: ({ disabled }) => !disabled,
  paths: ({ handler_prefix: path }) => [path],
  devDefaults: ({ apiKey }) => ({ key: apiKey }),
  tryLines(config, context) {
    const { api, channel, data, publishCommand } = context;
    const overHttp = publishCommand(`{"channel":"${channel}","data":${data}}`);
    if (api === undefined || overHttp === undefined) return [];
    const headers = `-H ${quoteForShell(`X-API-Key: ${firstApiKey(config)}`)} -H 'Content-Type: application/json'`;
    return [
      { label: "HTTP", command: overHttp },
      {
        label: `Connect (${BASE64_NOTE})`,
        command: `curl ${api}/${PUBLISH_PATH} ${headers} -d ${protoRequest(context)}`,
      },
    ];
  },
};

/** The server API over gRPC. */
export const grpcApiEdge: Edge<"grpc_api", GrpcApiConfig> = {
  name: "grpc_api",
  section: grpcApiConfig,
  role: "api",
  isEnabled: ({ enabled }) => enabled,
  paths: () => [],
  devDefaults: ({ address, apiKey }) => ({ enabled: true, address, reflection: true, key: apiKey }),
  tryLines(config, context) {
    if (context.grpcApi === undefined) return [];
    const header = `-H ${quoteForShell(`authorization: apikey ${firstApiKey(config)}`)}`;
    const command = `${BUF_CURL} ${header} ${context.grpcApi}/${PUBLISH_PATH} -d ${protoRequest(context)}`;
    return [{ label: `gRPC (${BASE64_NOTE})`, command }];
  },
};

/** Publishes by the HTTP API with JSON. */
export function httpPublishCommand(api: string, config: HttpApiConfig, request: string): string {
  const header = quoteForShell(`X-API-Key: ${firstApiKey(config)}`);
  return `curl ${api}${config.handler_prefix}/publish -H ${header} -d ${quoteForShell(request)}`;
}

/** A publish as protobuf's JSON has it. */
function protoRequest({ channel, data }: TryContext): string {
  return quoteForShell(JSON.stringify({ channel, data: Buffer.from(data).toString("base64") }));
}
