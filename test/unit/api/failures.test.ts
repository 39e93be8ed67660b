import { expect, it } from "vitest";
import { createServerApi } from "../../../src/api/index.ts";
import type { CallOrigin } from "../../../src/api/method.ts";
import { clientError } from "../../../src/core/client-error.ts";
import { disconnect } from "../../../src/core/disconnect.ts";
import { RefusalLog } from "../../../src/core/refusal-log.ts";
import { Refused } from "../../../src/core/refusal.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { type LoggedLine, loggerOf } from "../../support/silent-logger.ts";
import { apiContext, FakeApiNode } from "./fake-api.ts";

const ORIGIN: CallOrigin = {
  protocol: "http",
  bytesAreJson: true,
  caller: { key: undefined },
  address: "192.0.2.1",
  signal: () => AbortSignal.timeout(1000),
};

/** What the log has of a call that rejects like this, and is answered with error 100. */
async function logOf(error: unknown): Promise<readonly LoggedLine[]> {
  const lines: LoggedLine[] = [];
  const logger = loggerOf(lines);
  const node = new FakeApiNode();
  node.info = async () => {
    throw error;
  };
  const api = createServerApi(apiContext(node, logger, new RefusalLog(logger, new FakeClock())));
  const info = api.methods.find(({ name }) => name === "info");
  if (info === undefined) throw new Error("no such method");
  const request = { $typeName: info.rpc.input.typeName };
  for (let time = 0; time < 2; time++) {
    expect(await api.run(info, request, ORIGIN)).toMatchObject({ ok: false, error: { code: 100 } });
  }
  return lines;
}

it("a bug is one line with its cause, however many calls it fails", async () => {
  const error = new TypeError("a bug");
  expect(await logOf(error)).toEqual([
    { level: "error", message: "api call failed", method: "info", err: error },
  ]);
});

it("a disconnect is our fault where there is nobody to disconnect", async () => {
  const ending = disconnect("connectionClosed");
  expect(await logOf(ending)).toMatchObject([{ level: "error" }, { level: "error", err: { cause: ending } }]);
});

it("the caller's mistake is a refusal with what to change, though it is answered with 100", async () => {
  const error = clientError(
    "internal",
    new Refused("bad_api_request", "the subscription has expired already"),
  );
  const [line, ...more] = await logOf(error);
  expect(more).toEqual([]);
  expect(line).toMatchObject({
    level: "info",
    message: "api call refused",
    reason: "bad_api_request",
    method: "info",
    detail: "the subscription has expired already",
  });
  expect(JSON.stringify(line)).not.toContain("stack");
});
