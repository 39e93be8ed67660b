import { expect, it } from "vitest";
import { API_CONFIG, callApi } from "../support/api-client.ts";
import { GrpcPushStream } from "../support/grpc-push-stream.ts";
import { APP, pusherConfig } from "../support/pusher-client.ts";
import { OPEN, runServer } from "../support/running-server.ts";
import { WebSocketClient } from "../support/web-socket-client.ts";

it("a server counts what happens to it, on all of its transports and doors", async () => {
  const uniGrpc = { enabled: true, port: 0 };
  const config = {
    ...OPEN,
    ...pusherConfig(),
    uni_grpc: uniGrpc,
    http_api: API_CONFIG,
    node: { workers: "1" as const },
  };
  await using server = await runServer(config);
  const { metrics } = server;
  using webSocket = await WebSocketClient.open(server.url("uni_websocket", { subs: { news: {} } }));
  await webSocket.nextText();
  using grpc = new GrpcPushStream(`127.0.0.1:${server.addresses.uniGrpc?.port}`);
  await grpc.next();
  using pusher = await WebSocketClient.open(`${server.origin.replace("http", "ws")}/app/${APP.key}`);
  await pusher.nextText();
  const sse = await fetch(server.url("uni_sse", {}));
  const reader = sse.body?.getReader();
  await reader?.read();
  expect(metrics.counted("client_connections_accepted")).toEqual({
    "transport=uni_websocket": 1,
    "transport=uni_grpc": 1,
    "transport=uni_sse": 1,
    "transport=pusher": 1,
  });
  expect(metrics.measured("client_connections_inflight")).toEqual(
    metrics.counted("client_connections_accepted"),
  );

  await callApi(server, "publish", { channel: "news", data: {} });
  await webSocket.nextText();
  await callApi(server, "publish", { channel: "unknown:x", data: {} });
  await fetch(server.url("uni_http_stream"), { method: "POST", body: "{" });
  expect(metrics.counted("transport_messages_sent")).toMatchObject({
    "frame_type=push_connect,transport=uni_websocket": 1,
    "frame_type=push_connect,transport=uni_grpc": 1,
    "frame_type=push_publication,transport=uni_websocket": 1,
    "frame_type=reply,transport=pusher": 1,
  });
  expect(
    metrics.observed("api_command_duration_seconds_histogram")["method=publish,protocol=http"],
  ).toHaveLength(2);
  expect(metrics.counted("api_command_errors_total")).toEqual({
    "error=102,method=publish,protocol=http": 1,
  });
  expect(metrics.counted("refusals_total")).toEqual({
    "reason=unknown_namespace": 1,
    "reason=bad_connect_request": 1,
  });
  expect(Object.keys(metrics.measured("process_event_loop_delay_seconds"))).toHaveLength(3);
  await reader?.cancel();
  await server.untilSessions(3);
  await server.stop();
  expect(metrics.counted("client_num_server_disconnects")).toEqual({ "code=3001": 3 });
  expect(metrics.measured("process_event_loop_delay_seconds")).toEqual({});
});
