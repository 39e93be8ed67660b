import { z } from "zod";
import { section, type Section } from "../../config/section.ts";
import { portOption } from "../../config/sections/http-server.ts";
import { http2Config, type Http2Config } from "../../config/sections/http2.ts";
import { tlsConfig, type TlsConfig } from "../../config/sections/tls.ts";

/** Section `uni_grpc`: the gRPC transport, on a port of its own. */
export interface UniGrpcConfig {
  readonly enabled: boolean;
  readonly address: string;
  readonly port: number;
  readonly max_receive_message_size: number;
  readonly reflection: boolean;
  readonly http2: Http2Config;
  readonly tls: TlsConfig;
}

export const uniGrpcConfig: Section<UniGrpcConfig> = section<UniGrpcConfig>(
  "Unidirectional gRPC: the server-streaming call `CentrifugoUniStream/Consume`, on a port of its own.",
  {
    enabled: z.boolean().default(false).describe("Serves unidirectional gRPC."),
    address: z.string().default("").describe("Address to listen on; empty for all addresses of the machine."),
    port: portOption(11_000).describe("Port to listen on; 0 lets the system choose one."),
    max_receive_message_size: z
      .int()
      .default(0)
      .describe(
        "Bytes that a connect request may have; 0 for gRPC's own limit of 4 MiB, negative for no limit.",
      ),
    reflection: z
      .boolean()
      .default(true)
      .describe("Tells clients the schema (gRPC server reflection), so that tools need no proto files."),
    http2: http2Config,
    tls: tlsConfig,
  },
);
