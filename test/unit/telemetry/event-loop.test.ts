import { expect, it, vi } from "vitest";
import { measureEventLoop } from "../../../src/telemetry/event-loop.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { RecordingMetrics } from "../../support/recording-metrics.ts";
import { PATIENCE_MS } from "../../support/signal.ts";

it("the delay of the event loop is measured from when somebody first looks, and not for ever", async () => {
  const metrics = new RecordingMetrics();
  const clock = new FakeClock();
  const measuring = measureEventLoop(metrics, clock);
  const read = () => metrics.measured("process_event_loop_delay_seconds");
  expect(read()).toEqual({ "quantile=0.5": 0, "quantile=0.99": 0, "quantile=1": 0 });
  await vi.waitFor(
    () => {
      clock.advance(1000);
      expect(read()["quantile=1"]).toBeGreaterThan(0);
    },
    { timeout: PATIENCE_MS },
  );
  const [half = 0, most = 0, longest = 0] = Object.values(read());
  expect(half).toBeLessThanOrEqual(most);
  expect(most).toBeLessThanOrEqual(longest);
  measuring[Symbol.dispose]();
  expect(read()).toEqual({});
});
