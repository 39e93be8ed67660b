import { get, type IncomingMessage } from "node:http";
import { setTimeout } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";

/** What the client is to do. */
export interface ImpatientClientData {
  readonly url: string;
  readonly rounds: number;
}

/** Status of a response, and of a stream once its first push has come. */
function open(url: string): Promise<{ readonly status: number; readonly close: () => void }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; close: () => void }>();
  const request = get(url, { agent: false }, (response: IncomingMessage) => {
    const told = { status: response.statusCode ?? 0, close: () => response.destroy() };
    response.on("error", () => undefined);
    if (told.status === 200) response.once("data", () => resolve(told));
    else response.resume().once("end", () => resolve(told));
  });
  request.on("error", reject);
  return promise;
}

/** Opens one stream, and another one as soon as the first is there; how often the second one was let in, too. */
async function run({ url, rounds }: ImpatientClientData): Promise<number> {
  let letIn = 0;
  for (let round = 0; round < rounds; round++) {
    let first = await open(url);
    for (; first.status !== 200; first = await open(url)) await setTimeout(10);
    const second = await open(url);
    if (second.status === 200) letIn += 1;
    for (const stream of [first, second]) stream.close();
  }
  return letIn;
}

// Whoever starts it says so.
const letIn = await run(workerData);
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- threads have no origins
parentPort?.postMessage(letIn);
