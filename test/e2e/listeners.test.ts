import { describe, expect, it, vi } from "vitest";
import { API_CONFIG, API_KEY } from "../support/api-client.ts";
import { freePort } from "../support/free-port.ts";
import { RawConnection } from "../support/raw-connection.ts";
import { runServer } from "../support/running-server.ts";
import { ServerProcess } from "../support/server-process.ts";
import { probesClient, SHOWS_KEEPALIVE } from "../support/tcp-keepalive.ts";
import { WebSocketClient } from "../support/web-socket-client.ts";

const LOOPBACK = { address: "127.0.0.1", port: 0 };

describe.each(["1", "2"])("listeners of %s processes", (workers) => {
  it.skipIf(!SHOWS_KEEPALIVE)("have TCP keepalive on every port", async () => {
    const internal = await freePort();
    await using server = await ServerProcess.start({
      config: {
        http_server: { ...LOOPBACK, internal_port: internal },
        uni_grpc: { ...LOOPBACK, enabled: true },
        grpc_api: { ...LOOPBACK, enabled: true },
        node: { workers },
      },
    });
    const { http = 0, uniGrpc = 0, grpcApi = 0 } = server.ports;
    for (const port of [http, internal, uniGrpc, grpcApi]) {
      using client = await RawConnection.open(port);
      await vi.waitFor(() => expect(probesClient(client.socket)).toBe(true));
    }
  });

  it("keep an idle connection longer than load balancers do, and say so", async () => {
    await using server = await ServerProcess.start({
      config: { http_server: LOOPBACK, http_api: API_CONFIG, node: { workers } },
    });
    const response = await fetch(`${server.origin}/api/info`, {
      method: "POST",
      headers: { "X-API-Key": API_KEY },
      body: "{}",
    });
    expect(response.status).toBe(200);
    expect(response.headers.get("Keep-Alive")).toBe("timeout=75");
    await response.body?.cancel();
  });
});

it("a path that is not clean leads to the one that is, and an encoded one is served", async () => {
  await using server = await runServer({ http_api: API_CONFIG });
  const init = { method: "POST", headers: { "X-API-Key": API_KEY }, body: "{}" };
  for (const path of ["//api/info", "/api/./info", "/%61pi/info"]) {
    const response = await fetch(server.origin + path, init);
    expect([path, response.status, await response.text()]).toEqual([
      path,
      200,
      expect.stringContaining("nodes"),
    ]);
  }
  const moved = await fetch(`${server.origin}//api/info?x=1`, { ...init, redirect: "manual" });
  expect([moved.status, moved.headers.get("Location")]).toEqual([307, "/api/info?x=1"]);
  await moved.body?.cancel();
  using webSocket = await WebSocketClient.open(
    `${server.origin.replace("http", "ws")}/connection/%75ni_websocket`,
  );
  webSocket.send("{}");
  expect((await webSocket.untilClosed()).code).toBe(3501);
});
