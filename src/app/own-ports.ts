import { once } from "node:events";
import { createServer } from "node:net";
import { internalListener } from "../config/sections/http-server.ts";
import type { Config } from "./config.ts";

/** A listener of a configuration. */
interface Place {
  readonly port: number;
  readonly address: string;
}

/**
 * The configuration with ports that nobody listens on; what is to be any port is one of them then. For node:cluster,
 * all servers of a process that ask for the same address and port, "any" included, are one.
 *
 * Rejects where a port is taken.
 */
export async function withOwnPorts(config: Config): Promise<Config> {
  const { http_server: http, uni_grpc: uniGrpc, grpc_api: grpcApi } = config;
  const internal = internalListener(http);
  return {
    ...config,
    http_server: {
      ...http,
      port: await freePort(http),
      internal_port: internal === undefined ? http.internal_port : await freePort(internal),
    },
    uni_grpc: uniGrpc.enabled ? { ...uniGrpc, port: await freePort(uniGrpc) } : uniGrpc,
    grpc_api: grpcApi.enabled ? { ...grpcApi, port: await freePort(grpcApi) } : grpcApi,
  };
}

async function freePort({ address, port }: Place): Promise<number> {
  const probe = createServer().listen({ port, ...(address === "" ? {} : { host: address }) });
  await once(probe, "listening");
  const bound = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return typeof bound === "object" && bound !== null ? bound.port : port;
}
