import { expect, it } from "vitest";
import { startApi } from "./fake-api.ts";

it("calls are counted by what they ask for, and by status where they are refused", async () => {
  const { call, metrics } = await startApi();
  await call("/events", { body: { name: "e", channel: "c", data: "1" } });
  await call("/events", { body: { name: "e" } });
  await call("/channels/c");
  // Nobody knows what these are.
  await call("/nothing");
  await call("/channels", { secret: "wrong" });
  const durations = metrics.observed("api_command_duration_seconds_histogram");
  expect(durations["method=POST events,protocol=pusher"]).toHaveLength(2);
  expect(durations["method=GET channels/*,protocol=pusher"]).toHaveLength(1);
  expect(metrics.counted("api_command_errors_total")).toEqual({
    "error=400,method=POST events,protocol=pusher": 1,
    "error=401,method=GET channels,protocol=pusher": 1,
  });
});
