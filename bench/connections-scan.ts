/**
 * How long a scan of many connections takes, how long it keeps the event loop at a time, and how long
 * publications wait meanwhile: `node bench/connections-scan.ts [connections]`.
 *
 * Sessions are real, their transports swallow what is written; there is no network.
 */
import { parseConfig } from "../src/app/config.ts";
import { createServer } from "../src/app/server.ts";
import { type FilterNode, LabelFilter } from "../src/core/label-filter.ts";
import type { Logger } from "../src/core/logger.ts";
import { PLAIN_GRANT, SUBSCRIPTION_SOURCE } from "../src/core/token-verifier.ts";
import type { Transport } from "../src/core/transport.ts";
import { type Codec, WireFormat } from "../src/core/wire-format.ts";
import type { ServerNode } from "../src/node/server-node.ts";

const CONNECTIONS = Number(process.argv[2] ?? 100_000);
const RUNS = 5;

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };
const codec: Codec = { id: "bench", encode: (push) => Buffer.from(push.type) };
const format = new WireFormat(codec, {
  id: "bench",
  frame: (message) => message,
  join: (frames) => Buffer.concat(frames),
});

/** Takes everything and keeps nothing; calls back when something is written. */
function openTransport(onWrite: () => void = () => undefined): Transport {
  return {
    name: "uni_websocket",
    protocol: "json",
    format,
    peerAddress: "",
    deltaFormats: undefined,
    eventIds: undefined,
    pingIntervalMs: 0,
    sendsDisconnectPush: true,
    bufferedBytes: 0,
    write: onWrite,
    refuse: () => false,
    close: () => undefined,
    abort: () => undefined,
  };
}

async function connect(
  node: ServerNode,
  index: number,
  channel: string,
  onWrite?: () => void,
): Promise<void> {
  const session = node.sessions.open(openTransport(onWrite));
  node.sessions.admit(session, {
    user: `user${index}`,
    expireAtSec: undefined,
    info: undefined,
    meta: Buffer.from(`{"age":${index % 90},"name":"n${index}"}`),
    labels: new Map([["plan", index % 1_000 === 0 ? "gold" : "free"]]),
    tokenId: "",
    issuedAtSec: 0,
    source: "token",
    appName: "bench",
    appVersion: "1",
  });
  session.startKeeping();
  const source = SUBSCRIPTION_SOURCE.serverApi;
  const request = {
    channel,
    source,
    grant: PLAIN_GRANT,
    since: undefined,
    wantsRecovery: false,
    wantsDelta: false,
  };
  const made = await node.subscriptions.subscribe(session, request);
  node.subscriptions.announce([made], { tell: () => undefined });
}

interface Measured {
  readonly tookMs: number;
  readonly found: number;
  /** Longest turn of the event loop, CPU time of its thread: what else the machine does is no matter. */
  readonly longestTurnMs: number;
  readonly publications: number;
  readonly slowestPublicationMs: number;
}

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

/** Publishes in every turn of the event loop while the work goes on, and watches the turns. */
async function measure(
  node: ServerNode,
  written: () => number,
  work: () => Promise<number>,
): Promise<Measured> {
  let longestTurnMs = 0;
  let slowestPublicationMs = 0;
  let publications = 0;
  let isOver = false;
  let lastTurnMs = cpuMs();
  const data = Buffer.from("1");
  const publish = async (sentMs: number): Promise<void> => {
    const before = written();
    await node.channels.publish("probe", { data, tags: undefined }, { idempotencyKey: "" });
    setImmediate(() => {
      if (written() > before)
        slowestPublicationMs = Math.max(slowestPublicationMs, performance.now() - sentMs);
    });
  };
  const turn = (): void => {
    const nowMs = performance.now();
    longestTurnMs = Math.max(longestTurnMs, cpuMs() - lastTurnMs);
    lastTurnMs = cpuMs();
    if (isOver) return;
    publications += 1;
    void publish(nowMs);
    setImmediate(turn);
  };
  setImmediate(turn);
  const startMs = performance.now();
  const found = await work();
  const tookMs = performance.now() - startMs;
  isOver = true;
  await new Promise((resolve) => {
    setTimeout(resolve, 20);
  });
  return { tookMs, found, longestTurnMs, publications, slowestPublicationMs };
}

const NODE: Omit<FilterNode, "cmp" | "val"> = { op: "", key: "plan", vals: [], nodes: [] };
const GOLD = new LabelFilter({ ...NODE, cmp: "eq", val: "gold" });
const EVERY = { user: "", expression: "", labelFilter: undefined, limit: 0, cursor: "" };
const QUERIES = [
  ["user", { ...EVERY, user: "user500" }],
  ["label_filter, 0.1 % match", { ...EVERY, labelFilter: GOLD }],
  ['user == "user500"', { ...EVERY, expression: 'user == "user500"' }],
  ['labels.plan == "gold"', { ...EVERY, expression: 'labels.plan == "gold"' }],
  ['"room7" in channels', { ...EVERY, expression: '"room7" in channels' }],
  ["meta.age == 42", { ...EVERY, expression: "meta.age == 42" }],
  ["meta.nope == 1 (error each)", { ...EVERY, expression: "meta.nope == 1" }],
  ["page of 1000 of all", { ...EVERY, expression: "true", limit: 1_000 }],
  ["all at once (infos only)", { ...EVERY, expression: "true" }],
] as const;

const { config } = parseConfig({
  http_server: { address: "127.0.0.1", port: 0 },
  http_api: { insecure: true },
});
const server = createServer({ config, logger: silent });
const { http } = await server.start();
const { node } = server;
let writes = 0;
await connect(node, -1, "probe", () => {
  writes += 1;
});
for (let index = 0; index < CONNECTIONS; index++) await connect(node, index, `room${index % 1_000}`);
const signal = new AbortController().signal;
const startMs = performance.now();
await node.sessions.list({ ...EVERY, expression: "false", limit: 1 }, signal);
process.stdout.write(
  `${CONNECTIONS} connections; first expression, with loading CEL: ${(performance.now() - startMs).toFixed(0)} ms\n`,
);
/** Bytes of the answer through the JSON door. */
async function callApi(request: object): Promise<number> {
  const url = `http://127.0.0.1:${http?.port}/api/connections`;
  const response = await fetch(url, { method: "POST", body: JSON.stringify(request) });
  const text = await response.text();
  if (!text.startsWith('{"result"')) throw new Error(text.slice(0, 200));
  return Buffer.byteLength(text);
}

async function report(name: string, work: () => Promise<number>): Promise<void> {
  const runs: Measured[] = [];
  for (let run = 0; run < RUNS; run++) runs.push(await measure(node, () => writes, work));
  const median = runs.map(({ tookMs }) => tookMs).toSorted((a, b) => a - b)[RUNS >> 1] ?? 0;
  const turns = runs.map(({ longestTurnMs }) => longestTurnMs.toFixed(1)).join(" ");
  const slowest = Math.max(...runs.map(({ slowestPublicationMs }) => slowestPublicationMs));
  const publications = runs.map((run) => run.publications).reduce((sum, count) => sum + count, 0);
  process.stdout.write(
    `${name.padEnd(30)} ${median.toFixed(0).padStart(5)} ms, result ${runs[0]?.found}; longest turn of each ` +
      `run ${turns} ms; ${publications} publications meanwhile, slowest ${slowest.toFixed(1)} ms\n`,
  );
}

for (const [name, query] of QUERIES) {
  await report(name, async () => (await node.sessions.list(query, signal)).connections.length);
}
await report("HTTP, one user (bytes)", () => callApi({ user: "user500" }));
await report("HTTP, page of 1000 (bytes)", () => callApi({ expression: "true", limit: 1_000 }));
await report("HTTP, all at once (bytes)", () => callApi({ expression: "true" }));
await server.stop();
