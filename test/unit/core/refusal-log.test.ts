import { describe, expect, it } from "vitest";
import { RefusalLog } from "../../../src/core/refusal-log.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { type LoggedLine, loggerOf } from "../../support/silent-logger.ts";

const MINUTE_MS = 60_000;

function start(): { lines: LoggedLine[]; clock: FakeClock; note: (reason: string, about: string) => void } {
  const lines: LoggedLine[] = [];
  const clock = new FakeClock();
  const log = new RefusalLog(loggerOf(lines), clock);
  return { lines, clock, note: (reason, about) => log.note(reason, about, { about }, "refused") };
}

describe("log of refusals", () => {
  it("has a line for each reason and what it is about, once a minute", () => {
    const { lines, clock, note } = start();
    const all = [
      ["bad_key", "a"],
      ["bad_key", "b"],
      ["bad_key", "a"],
      ["bad_token", "a"],
    ] as const;
    for (const [reason, about] of all) note(reason, about);
    clock.advance(MINUTE_MS - 1);
    note("bad_key", "a");
    const line = { level: "info", message: "refused" };
    expect(lines).toEqual([
      { ...line, reason: "bad_key", about: "a" },
      { ...line, reason: "bad_key", about: "b" },
      { ...line, reason: "bad_token", about: "a" },
    ]);
    clock.advance(1);
    note("bad_key", "a");
    note("bad_token", "a");
    expect(lines.slice(3)).toEqual([
      { ...line, reason: "bad_key", about: "a", omitted: 2 },
      { ...line, reason: "bad_token", about: "a" },
    ]);
  });

  it("has twenty lines a minute for a reason, and tells how many more there would have been", () => {
    const { lines, clock, note } = start();
    for (let count = 0; count < 1000; count++) note("bad_key", `${count}`);
    expect(lines).toHaveLength(20);
    clock.advance(MINUTE_MS);
    note("bad_key", "later");
    expect(lines.at(-1)).toMatchObject({ about: "later", omitted: 980 });
  });
});
