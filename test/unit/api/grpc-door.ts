import { Client, credentials } from "@grpc/grpc-js";
import { onTestFinished } from "vitest";
import type { GrpcApiConfig } from "../../../src/api/config.ts";
import { createApiGrpcListener, createServerApi } from "../../../src/api/index.ts";
import { http2Config } from "../../../src/config/sections/http2.ts";
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
  const listener = createApiGrpcListener(
    createServerApi(apiContext(node, new ErrorLog())),
    {
      enabled: true,
      address: "127.0.0.1",
      port: 0,
      key: KEY,
      error_mode: "",
      max_receive_message_size: 0,
      reflection: false,
      http2: http2Config.parse({}),
      tls: { enabled: false, cert_pem: "", key_pem: "", client_ca_pem: "" },
      ...config,
    },
    undefined,
  );
  if (listener === undefined) throw new Error("the door is switched off");
  onTestFinished(() => listener.stop(AbortSignal.abort()));
  const { port } = await listener.start();
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  onTestFinished(() => client.close());
  return { client, node, port };
}
