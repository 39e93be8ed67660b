import { describe, expect, it } from "vitest";
import { RefusalLog } from "../../../src/core/refusal-log.ts";
import type { RefusalReason } from "../../../src/core/refusal.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { type LoggedLine, loggerOf } from "../../support/silent-logger.ts";

const MINUTE_MS = 60_000;

interface Noted {
  readonly lines: LoggedLine[];
  readonly clock: FakeClock;
  readonly log: RefusalLog;
  readonly note: (reason: RefusalReason, address: string) => void;
}

function start(): Noted {
  const lines: LoggedLine[] = [];
  const clock = new FakeClock();
  const log = new RefusalLog(loggerOf(lines), clock);
  return { lines, clock, log, note: (reason, address) => log.note(reason, { address }) };
}

describe("log of refusals", () => {
  it("says who was refused, why, and what to change", () => {
    const { lines, log } = start();
    log.note("no_credentials", { address: "::ffff:192.0.2.7", transport: "uni_sse", detail: "" });
    log.note("bad_api_request", { address: "2001:db8::1", path: "/api/publish", detail: "not JSON" });
    log.note("unknown_namespace", { namespace: "x".repeat(10_000) }, "x");
    expect(lines).toEqual([
      {
        level: "info",
        message: "client refused",
        reason: "no_credentials",
        address: "192.0.2.7",
        transport: "uni_sse",
        hint: expect.stringContaining("client.allow_anonymous_connect_without_token") as string,
      },
      expect.objectContaining({
        message: "api call refused",
        address: "2001:db8::1",
        path: "/api/publish",
        detail: "not JSON",
      }),
      expect.objectContaining({ message: "channel refused", namespace: "x".repeat(500) }),
    ]);
  });

  it("has a line for each reason and what it is about, once a minute", () => {
    const { lines, clock, note } = start();
    const told = (): unknown[] => lines.map(({ reason, address, omitted }) => [reason, address, omitted]);
    note("token_bad_signature", "a");
    note("token_bad_signature", "b");
    note("token_bad_signature", "a");
    note("token_expired", "a");
    clock.advance(MINUTE_MS - 1);
    note("token_bad_signature", "a");
    const first = [
      ["token_bad_signature", "a", undefined],
      ["token_bad_signature", "b", undefined],
      ["token_expired", "a", undefined],
    ];
    expect(told()).toEqual(first);
    clock.advance(1);
    note("token_bad_signature", "a");
    note("token_expired", "a");
    expect(told()).toEqual([...first, ["token_bad_signature", "a", 2], ["token_expired", "a", undefined]]);
  });

  it("has twenty lines a minute for a reason, and tells how many more there would have been", () => {
    const { lines, clock, note } = start();
    for (let count = 0; count < 1000; count++) note("token_expired", `${count}`);
    expect(lines).toHaveLength(20);
    clock.advance(MINUTE_MS);
    note("token_expired", "later");
    expect(lines.at(-1)).toMatchObject({ address: "later", omitted: 980 });
  });
});
