import { expect, it } from "vitest";
import { startApi } from "./fake-api.ts";

it("calls are counted by method, and by error where they fail", async () => {
  const { post, metrics } = await startApi();
  await post("/api/publish", '{"channel":"a","data":1}');
  await post("/api/publish", '{"channel":"a"}');
  await post("/api/publish", '{"channel":"broken","data":1}');
  await post("/api/info", "{}");
  expect(metrics.observed("api_command_duration_seconds_histogram")).toEqual({
    "method=publish,protocol=http": [0, 0, 0],
    "method=info,protocol=http": [0],
  });
  expect(metrics.counted("api_command_errors_total")).toEqual({
    "error=107,method=publish,protocol=http": 1,
    "error=100,method=publish,protocol=http": 1,
  });
});

it("a batch is a call, and so is each of its commands", async () => {
  const { post, metrics } = await startApi();
  const commands = [
    { publish: { channel: "a", data: 1 } },
    { publish: { channel: "x:y", data: 1 } },
    {},
    null,
  ];
  await post("/api/batch", JSON.stringify({ commands }));
  expect(metrics.observed("api_command_duration_seconds_histogram")).toEqual({
    "method=publish,protocol=http": [0, 0],
    "method=batch,protocol=http": [0],
  });
  expect(metrics.counted("api_command_errors_total")).toEqual({
    "error=102,method=publish,protocol=http": 1,
  });
});

it("calls are told apart by how they came in", async () => {
  const { post, metrics } = await startApi();
  const path = "/centrifugal.centrifugo.api.CentrifugoApi/Info";
  expect(await post(path, "{}", { "Content-Type": "application/json" })).toMatchObject({ status: 200 });
  expect(metrics.observed("api_command_duration_seconds_histogram")).toEqual({
    "method=info,protocol=connect": [0],
  });
});
