import { CentrifugoUniStream } from "../../../gen/centrifugal/centrifugo/unistream/unistream_pb.ts";
import { http2Limits } from "../../config/sections/http2.ts";
import type { UniProtocol } from "../../core/uni-protocol.ts";
import { GrpcListener } from "../../grpc/listener.ts";
import type { TimerWheel } from "../../lib/timer-wheel.ts";
import type { TlsCredentials } from "../../lib/tls-credentials.ts";
import type { Edge } from "../../config/edge.ts";
import { BUF_CURL, quoteForShell } from "../../lib/shell.ts";
import { type UniGrpcConfig, uniGrpcConfig } from "./config.ts";
import { createConsumeHandler } from "./service.ts";

/** How often the server looks whether a silent client is still there (docs/protocols/unidirectional.md §6.1). */
const KEEPALIVE = { intervalMs: 25_000, timeoutMs: 5000 };

/** The gRPC transport. */
export const uniGrpcEdge: Edge<"uni_grpc", UniGrpcConfig> = {
  name: "uni_grpc",
  section: uniGrpcConfig,
  role: "transport",
  isEnabled: ({ enabled }) => enabled,
  paths: () => [],
  devDefaults: ({ address }) => ({ enabled: true, address, reflection: true }),
  tryLines(_config, { uniGrpc, connectRequest }) {
    if (uniGrpc === undefined) return [];
    const { typeName, method } = CentrifugoUniStream;
    const target = `${uniGrpc}/${typeName}/${method.consume.name}`;
    return [{ label: "gRPC", command: `${BUF_CURL} ${target} -d ${quoteForShell(connectRequest)}` }];
  },
};

/** The listener of the gRPC transport; undefined when it is switched off. */
export function createUniGrpcListener(
  protocol: UniProtocol,
  config: UniGrpcConfig,
  { wheel, tls }: { readonly wheel: TimerWheel; readonly tls: TlsCredentials | undefined },
): GrpcListener | undefined {
  if (!config.enabled) return undefined;
  const listener = new GrpcListener({
    host: config.address,
    port: config.port,
    maxReceiveMessageBytes: config.max_receive_message_size,
    tls,
    reflection: config.reflection,
    http2: http2Limits(config.http2),
    keepalive: KEEPALIVE,
  });
  listener.addService(
    CentrifugoUniStream,
    { consume: createConsumeHandler(protocol, wheel) },
    { requests: true, responses: true },
  );
  return listener;
}
