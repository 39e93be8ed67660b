import { assert, integer, property } from "fast-check";
import { expect, test } from "vitest";
import { formatDuration, parseDuration } from "../../../src/config/duration.ts";

test.each([
  ["25s", 25_000],
  ["1m30s", 90_000],
  ["720h", 2_592_000_000],
  ["-1s", -1_000],
  ["+1.5s", 1_500],
  ["300ms", 300],
  [".5h", 1_800_000],
  ["1500us", 1.5],
  ["2µs", 0.002],
  ["0", 0],
  ["-0", 0],
  ["0s", 0],
])("reads %s", (text, expectedMs) => {
  expect(parseDuration(text)).toBe(expectedMs);
});

test.each(["", "-", "5", "s", "1 s", "1d", "1s2", "--1s", "1e3s", "5S"])("refuses %j", (text) => {
  expect(parseDuration(text)).toBeUndefined();
});

test.each([
  [0, "0s"],
  [2_592_000_000, "720h0m0s"],
  [90_000, "1m30s"],
  [25_000, "25s"],
  [1_500, "1.5s"],
  [300, "300ms"],
  [0.5, "500µs"],
  [-1_000, "-1s"],
  [3_600_001, "1h0m0.001s"],
])("writes %d ms", (durationMs, text) => {
  expect(formatDuration(durationMs)).toBe(text);
});

test("what is written is read back", () => {
  assert(
    property(integer({ min: -1e12, max: 1e12 }), (durationMs) => {
      expect(parseDuration(formatDuration(durationMs))).toBe(durationMs);
    }),
  );
});
