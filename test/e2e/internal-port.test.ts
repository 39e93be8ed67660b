import { describe, expect, it } from "vitest";
import { loadConfig } from "../../src/app/config.ts";
import { createServer as createMillrace } from "../../src/app/server.ts";
import { freePort } from "../support/free-port.ts";
import { silentLogger } from "../support/silent-logger.ts";

const HOST = "127.0.0.1";

async function start(httpApi: { readonly external?: boolean } = {}) {
  const { config } = loadConfig({
    values: {
      http_server: { address: HOST, port: 0, internal_port: await freePort() },
      http_api: { key: "K", ...httpApi },
      uni_sse: { enabled: true },
      health: { enabled: true },
    },
  });
  const server = createMillrace({ config, logger: silentLogger });
  const { http, internalHttp } = await server.start();
  const status = async (port: number | undefined, path: string): Promise<number> => {
    const init = { method: path === "/api/info" ? "POST" : "GET", headers: { "X-API-Key": "K" } };
    const response = await fetch(
      `http://${HOST}:${port}${path}`,
      init.method === "POST" ? { ...init, body: "{}" } : init,
    );
    await response.body?.cancel();
    return response.status;
  };
  return {
    onMain: (path: string) => status(http?.port, path),
    onInternal: (path: string) => status(internalHttp?.port, path),
    [Symbol.asyncDispose]: async () => void (await server.stop()),
  };
}

describe("internal port", () => {
  it("core 96: serves API and health, and the main port transports only", async () => {
    await using server = await start();
    expect([await server.onMain("/api/info"), await server.onInternal("/api/info")]).toEqual([404, 200]);
    expect([await server.onMain("/health"), await server.onInternal("/health")]).toEqual([404, 200]);
    const sse = "/connection/uni_sse";
    expect([await server.onMain(sse), await server.onInternal(sse)]).toEqual([200, 404]);
  });

  it("leaves the API on the main port where that is asked for", async () => {
    await using server = await start({ external: true });
    expect([await server.onMain("/api/info"), await server.onInternal("/api/info")]).toEqual([200, 404]);
  });
});
