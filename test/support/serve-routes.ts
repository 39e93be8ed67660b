import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import type { Logger } from "../../src/core/logger.ts";
import { HttpApp, type Route } from "../../src/http/http-app.ts";

/** Serves routes for one test; resolves to where. */
export async function serveRoutes(routes: readonly Route[], logger: Logger): Promise<string> {
  const app = new HttpApp(routes, logger);
  const server = createServer((request, response) => app.handle(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  // A TCP server has no other kind of address.
  const { port } = server.address() as AddressInfo;
  return `http://127.0.0.1:${port}`;
}
