import { create } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import { ConnectionsRequestSchema } from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import type { CallOrigin } from "../../../src/api/method.ts";
import { connections } from "../../../src/api/methods/connections.ts";
import { ServerApi } from "../../../src/api/server-api.ts";
import { apiContext, ErrorLog, FakeApiNode } from "./fake-api.ts";

/** Asks with a signal that has aborted for that reason, which the node hands on. */
async function askTooLate(
  reason: unknown,
): Promise<{ code: number | undefined; logged: readonly unknown[] }> {
  const node = new FakeApiNode();
  node.sessions.list = async (_query, signal) => {
    signal.throwIfAborted();
    return { connections: [], nextCursor: "" };
  };
  const log = new ErrorLog();
  const origin: CallOrigin = {
    bytesAreJson: true,
    address: "",
    protocol: "http",
    caller: { key: undefined },
    signal: () => AbortSignal.abort(reason),
  };
  const request = create(ConnectionsRequestSchema, { user: "42" });
  const outcome = await new ServerApi(apiContext(node, log)).run(connections, request, origin);
  return { code: outcome.ok ? undefined : outcome.error.code, logged: log.errors };
}

it("api 95: what is not answered in time is 100, and the log hears of it", async () => {
  const timeout = new DOMException("too late", "TimeoutError");
  expect(await askTooLate(timeout)).toEqual({ code: 100, logged: [timeout] });
});

it("a caller that has left is nothing for the log", async () => {
  expect(await askTooLate(new DOMException("gone", "AbortError"))).toEqual({ code: 100, logged: [] });
});
