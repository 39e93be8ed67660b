import { createServer } from "../../src/index.ts";
import { API_KEY } from "../wire/publish-request.ts";
import { KEPT_NAMESPACE, LOOPBACK } from "../wire/transport.ts";
import { serveUnary } from "./unary-host.ts";

/** The server API of Millrace, with nobody subscribed to anything. */
serveUnary(async (door) => {
  const server = createServer({
    config: {
      http_server: { address: LOOPBACK, port: 0 },
      http_api: { key: API_KEY },
      channel: { namespaces: [{ name: KEPT_NAMESPACE, history_size: 100, history_ttl: "1h" }] },
      grpc_api: { enabled: door === "grpc", address: LOOPBACK, port: 0, key: API_KEY },
      log: { level: "error" },
    },
  });
  const { http, grpcApi } = await server.start();
  const address = door === "grpc" ? grpcApi : http;
  if (address === undefined) throw new Error(`the ${door} door has no listener`);
  return address.port;
});
