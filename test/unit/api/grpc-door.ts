import { Client, credentials } from "@grpc/grpc-js";
import { onTestFinished } from "vitest";
import { type GrpcApiConfig, grpcApiConfig } from "../../../src/api/config.ts";
import { ApiKeys, createApiGrpcListener, createServerApi } from "../../../src/api/index.ts";
import { LiveValue } from "../../../src/core/live.ts";
import { apiContext, ErrorLog, FakeApiNode, KEY } from "./fake-api.ts";

/** The gRPC door of a node, and a client of it over one connection. */
export interface GrpcDoor {
  readonly client: Client;
  readonly node: FakeApiNode;
  readonly port: number;
}

/** Starts the door, for one test. */
export async function startGrpcDoor(config: Partial<GrpcApiConfig> = {}): Promise<GrpcDoor> {
  const node = new FakeApiNode();
  const grpcApi = grpcApiConfig.parse({ enabled: true, address: "127.0.0.1", port: 0, key: KEY, ...config });
  const keys = new ApiKeys("grpc_api", new LiveValue(grpcApi));
  const api = createServerApi(apiContext(node, new ErrorLog()));
  const listener = createApiGrpcListener(api, grpcApi, keys, undefined);
  if (listener === undefined) throw new Error("the door is switched off");
  onTestFinished(() => listener.stop(AbortSignal.abort()));
  const { port } = await listener.start();
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  onTestFinished(() => client.close());
  return { client, node, port };
}
