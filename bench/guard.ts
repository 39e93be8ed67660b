/**
 * A guard for continuous integration: fails when Millrace has become clearly more expensive than it was, beside loops
 * measured in the same seconds. Run it with `npm run bench:guard`.
 *
 * Only ratios are compared, with bounds far above what is usual, and what is out of bounds is measured once more; so
 * that neither a slow machine nor a busy one fails it. Figures to be proud of come from `npm run bench`.
 */
import { type Contender, type Figure, samplesOf } from "./figures.ts";
import { type Sampling, EFFORTS } from "./plan.ts";
import { measureFanOut } from "./scenarios/fan-out.ts";
import { measureUnary } from "./scenarios/unary.ts";
import { ratio } from "./statistics.ts";
import type { TransportName } from "./wire/transport.ts";

/** How much dearer than a loop of the same run a delivery may be: single, and in bursts of 16. */
interface FanOutBounds {
  /** Against one write per message and connection. */
  readonly single: number;
  /** Against one write per burst and connection. */
  readonly burst: number;
}

/** About one and a half times what is usual. */
const FAN_OUT_BOUNDS: Readonly<Record<TransportName, FanOutBounds>> = {
  uni_websocket: { single: 2, burst: 3.2 },
  uni_http_stream: { single: 2.2, burst: 3.4 },
  uni_sse: { single: 2.2, burst: 3.4 },
  pusher: { single: 2, burst: 3.2 },
  uni_grpc: { single: 5.5, burst: 6.5 },
};

/** How much dearer than a bare echo a publication over HTTP may be. */
const MAX_HTTP_COST = 2.6;

const SUBSCRIBERS = 400;
const PAYLOAD_BYTES = 128;
const BURST = 16;
const SAMPLING: Sampling = {
  repetitions: 3,
  deliveries: 20_000,
  maxCpuMs: 100,
  minCpuMs: 50,
  warmUpCpuMs: 100,
};

/** One comparison. */
interface Check {
  readonly name: string;
  readonly measured: number;
  readonly bound: string;
  readonly holds: boolean;
}

/** What is measured, and measured again, together. */
type Part = () => Promise<Check[]>;

async function checkFanOut(transport: TransportName, bounds: FanOutBounds): Promise<Check[]> {
  const cells = [
    { burst: 1, baseline: "bare", most: bounds.single },
    { burst: BURST, baseline: "joined", most: bounds.burst },
  ] as const;
  const figures = measureFanOut({
    transport,
    subscribers: SUBSCRIBERS,
    servers: ["millrace", "bare"],
    cells: cells.map(({ burst, baseline }) => ({
      burst,
      payloadBytes: PAYLOAD_BYTES,
      contenders: ["millrace", baseline],
      sampling: SAMPLING,
    })),
    profileFolder: undefined,
  });
  const measured = await Array.fromAsync(figures);
  return cells.map(({ burst, baseline, most }, at) => {
    const value = ratioTo(measured[at], baseline);
    return {
      name: `${transport}, bursts of ${burst}, CPU per delivery ÷ ${baseline}`,
      measured: value,
      bound: `at most ${most}`,
      holds: value <= most,
    };
  });
}

async function checkPublish(): Promise<Check[]> {
  const { unary: sampling } = EFFORTS.quick;
  const figures = await Array.fromAsync(measureUnary({ door: "http", sampling, profileFolder: undefined }));
  const value = ratioTo(
    figures.find(({ metric }) => metric === "cpuMicrosPerRequest"),
    "echo",
  );
  const name = "publish over HTTP, CPU per request ÷ echo";
  return [{ name, measured: value, bound: `at most ${MAX_HTTP_COST}`, holds: value <= MAX_HTTP_COST }];
}

function ratioTo(figure: Figure | undefined, baseline: Contender): number {
  const ours = figure && samplesOf(figure, "millrace");
  const theirs = figure && samplesOf(figure, baseline);
  if (ours === undefined || theirs === undefined) throw new Error(`no figure against ${baseline}`);
  return ratio(ours, theirs).median;
}

/** Measures, and once more if anything is out of bounds; resolves to whether all bounds hold. */
async function runPart(part: Part): Promise<boolean> {
  const first = await part();
  report(first);
  if (first.every(({ holds }) => holds)) return true;
  console.log("once more:");
  const second = await part();
  report(second);
  // What was out of bounds only once was the machine.
  return second.every(({ holds }, at) => holds || first[at]?.holds === true);
}

function report(checks: readonly Check[]): void {
  for (const { name, measured, bound, holds } of checks) {
    console.log(`${holds ? "ok  " : "FAIL"} ${name}: ${measured.toFixed(2)} (${bound})`);
  }
}

const parts: Part[] = [
  ...Object.entries(FAN_OUT_BOUNDS).map(
    // The keys of a record of transports are transports.
    ([transport, bounds]): Part =>
      async () =>
        checkFanOut(transport as TransportName, bounds),
  ),
  checkPublish,
];
let allHold = true;
// Two cores: one thing at a time.
for (const part of parts) allHold = (await runPart(part)) && allHold;
if (!allHold) {
  console.error("clearly more expensive than it was: see the lines above, and docs/benchmarks.md");
  process.exitCode = 1;
}
