import { Centrifuge } from "centrifuge";
import { Centrifuge as CentrifugeProtobuf } from "centrifuge/build/protobuf";
import { expect, it } from "vitest";
import { WebSocket } from "ws";
import { OPEN, runServer } from "../support/running-server.ts";
import { parseLog, ServerProcess } from "../support/server-process.ts";
import { WebSocketClient } from "../support/web-socket-client.ts";

/** How often a client has tried, and why it has given up. */
interface Attempt {
  readonly code: number;
  readonly reason: string;
  readonly connects: number;
}

/** Connects a client that would try again at once, until it gives up. */
async function untilGivenUp(
  Client: typeof Centrifuge | typeof CentrifugeProtobuf,
  url: string,
): Promise<Attempt> {
  let connects = 0;
  const options = { websocket: WebSocket, minReconnectDelay: 1, maxReconnectDelay: 1 };
  const client = new Client(url, options);
  client.on("connecting", () => (connects += 1));
  const disconnected = new Promise<Attempt>((resolve) => {
    client.on("disconnected", ({ code, reason }) => resolve({ code, reason, connects }));
  });
  client.connect();
  return disconnected;
}

it.each([
  ["JSON", Centrifuge],
  ["Protobuf", CentrifugeProtobuf],
])("centrifuge-js over %s gives up at once, and the log says why, once", async (_name, Client) => {
  const config = { http_server: { address: "127.0.0.1", port: 0 } };
  await using server = await ServerProcess.start({ config });
  const url = `${server.origin.replace("http", "ws")}/connection/websocket`;
  for (let count = 0; count < 3; count++) {
    expect(await untilGivenUp(Client, url)).toEqual({
      code: 3508,
      reason: "not available: this server has no bidirectional transports",
      connects: 1,
    });
  }
  await server.stop();
  const lines = parseLog(server.stderr).filter(({ reason }) => reason === "bidirectional_client");
  expect(lines).toMatchObject([{ level: "info", message: "client refused", address: "127.0.0.1" }]);
  expect(lines[0]?.["hint"]).toContain("uni_websocket");
});

it("a transport that is configured for the path is served there", async () => {
  const config = { ...OPEN, uni_websocket: { handler_prefix: "/connection/websocket" } };
  await using server = await runServer(config);
  using client = await WebSocketClient.open(`${server.origin.replace("http", "ws")}/connection/websocket`);
  client.send({});
  expect((await client.next()).connect).toBeDefined();
});
