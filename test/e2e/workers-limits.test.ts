import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { expect, it } from "vitest";
import type { ImpatientClientData } from "../support/impatient-client.ts";
import { type ConfigInput, OPEN, runServer } from "../support/running-server.ts";

/** A part of the time in which the primary, which is this process, does something else. */
const BUSY_MS = 10;

/** Keeps this process busy until disposed of. */
function keepBusy(): Disposable {
  const timer = setInterval(() => {
    const endMs = performance.now() + BUSY_MS;
    while (performance.now() < endMs);
  }, 1);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

it("a limit that comes with a reload counts whom another worker has just let in, however busy the primary is", async () => {
  const config: ConfigInput = { ...OPEN, node: { workers: "2" } };
  await using server = await runServer(config);
  expect(await server.reload({ ...config, client: { ...OPEN.client, connection_limit: 1 } })).toEqual([]);
  using cleanup = new DisposableStack();
  cleanup.use(keepBusy());
  const data: ImpatientClientData = { url: server.url("uni_sse"), rounds: 25 };
  const client = new Worker(new URL("../support/impatient-client.ts", import.meta.url), { workerData: data });
  const [letIn] = await once(client, "message");
  expect(letIn).toBe(0);
});
