import { parseArgs } from "node:util";
import type { ScenarioName } from "./figures.ts";
import { type CellPlan, CELLS, type Effort, EFFORTS, HEADLINE, HEADLINE_BURSTS, type Plan } from "./plan.ts";
import { DOORS } from "./wire/publish-request.ts";
import { TRANSPORTS } from "./wire/transport.ts";

export const USAGE: string = `Usage: npm run bench [-- [scenario...] [options]]

Scenarios (all of them by default):
  fanout     CPU of the server per delivery
  scale      the same with 10,000 subscribers against 1,000, in turns
  workers    the same with two workers against one: CPU of all processes, and time
  latency    publish-to-receive, p50 and p99, at 10 publications a second
  slow       what subscribers that never read do to the others' latency and to memory
  memory     resident memory per idle connection
  idle       CPU per idle connection and second, with pings every 25 seconds
  unary      publishing over HTTP, gRPC and Connect
  history    publishing into a channel that keeps history
  storm      clients that come back all at once and recover what they missed

Options; those that take a list also take commas:
  --transport LIST     ${TRANSPORTS.join(", ")}
  --subscribers LIST   fanout: connections that listen (1 to 10000; slow: how many in all)
  --payload LIST       fanout: bytes per publication (128,1024)
  --burst LIST         fanout: publications per turn of the event loop (1 to 64)
  --connections LIST   memory, idle, storm: how many
  --door LIST          unary: ${DOORS.join(", ")}
  --repetitions N      instead of what is usual for a figure
  --quick              less of everything; three minutes instead of ten
  --json FILE          everything measured, as JSON
  --from FILE          measures nothing; shows, and writes, what --json has kept
  --write, --no-write  docs/benchmarks.md and docs/plots; written by default when everything runs in full
  --cpu-prof FOLDER    CPU profiles of Millrace's processes
  --help

scale and workers take the first of the transports; slow, idle and storm are about uni_websocket.`;

const SCENARIOS: readonly ScenarioName[] = [
  "fanout",
  "scale",
  "workers",
  "latency",
  "slow",
  "memory",
  "idle",
  "unary",
  "history",
  "storm",
];

/** A command line that cannot be understood. */
export class UsageError extends Error {}

/** Reads the command line; undefined when it only asks for help. Throws UsageError. */
export function parsePlan(argv: readonly string[]): Plan | undefined {
  const { values, positionals } = parse(argv);
  if (values.help === true) return undefined;
  const amount = values.quick === true ? "quick" : "full";
  return {
    scenarios: namesOf(positionals, SCENARIOS, "scenario"),
    transports: namesOf(values.transport, TRANSPORTS, "transport"),
    cells: cellsOf(values) ?? CELLS[amount],
    doors: namesOf(values.door, DOORS, "door"),
    effort: effortOf(values, EFFORTS[amount]),
    jsonFile: values.json,
    fromFile: values.from,
    writePage: values.write ?? argv.length === 0,
    profileFolder: values["cpu-prof"],
  };
}

type Values = ReturnType<typeof parse>["values"];

function parse(argv: readonly string[]) {
  const list = { type: "string", multiple: true } as const;
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      allowNegative: true,
      options: {
        transport: list,
        subscribers: list,
        payload: list,
        burst: list,
        connections: list,
        door: list,
        repetitions: { type: "string" },
        quick: { type: "boolean" },
        json: { type: "string" },
        from: { type: "string" },
        write: { type: "boolean" },
        "cpu-prof": { type: "string" },
        help: { type: "boolean" },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** Every combination of what was asked for; undefined when nothing was. */
function cellsOf({ subscribers, payload, burst }: Values): CellPlan[] | undefined {
  if (subscribers === undefined && payload === undefined && burst === undefined) return undefined;
  const payloads = numbersOf(payload, "--payload") ?? [HEADLINE.payloadBytes];
  const bursts = numbersOf(burst, "--burst") ?? HEADLINE_BURSTS;
  return (numbersOf(subscribers, "--subscribers") ?? [HEADLINE.subscribers]).flatMap((count) =>
    payloads.flatMap((payloadBytes) =>
      bursts.map((each) => ({ subscribers: count, payloadBytes, burst: each })),
    ),
  );
}

function effortOf(values: Values, usual: Effort): Effort {
  const [repetitions] = numbersOf(values.repetitions, "--repetitions") ?? [];
  const connections = numbersOf(values.connections, "--connections")?.toSorted((a, b) => a - b);
  const [subscribers = usual.slow.subscribers] = numbersOf(values.subscribers, "--subscribers") ?? [];
  const most = connections?.at(-1);
  const often = repetitions === undefined ? {} : { repetitions };
  const many = most === undefined ? {} : { connections: most };
  return {
    headline: { ...usual.headline, ...often },
    others: { ...usual.others, ...often },
    scale: { ...usual.scale, ...often },
    workers: { ...usual.workers, ...often },
    latency: { ...usual.latency, ...often },
    memory: { ...usual.memory, ...often, ...(connections === undefined ? {} : { connections }) },
    idle: { windows: repetitions ?? usual.idle.windows, connections: most ?? usual.idle.connections },
    unary: { ...usual.unary, ...often },
    storm: { ...usual.storm, ...often, ...many },
    slow: { ...usual.slow, ...often, subscribers },
  };
}

function namesOf<Name extends string>(
  given: string[] | undefined,
  known: readonly Name[],
  what: string,
): Name[] {
  if (given === undefined || given.length === 0) return [...known];
  return split(given).map((text) => {
    const name = known.find((candidate) => candidate === text);
    if (name === undefined) throw new UsageError(`no ${what} ${text}; there are ${known.join(", ")}`);
    return name;
  });
}

function numbersOf(
  given: readonly string[] | string | undefined,
  option: string,
): readonly number[] | undefined {
  if (given === undefined) return undefined;
  return split([given].flat()).map((text) => {
    const number = Number(text);
    if (!Number.isSafeInteger(number) || number < 1) throw new UsageError(`${option} ${text}: not a number`);
    return number;
  });
}

function split(texts: readonly string[]): string[] {
  return texts.flatMap((text) => text.split(","));
}
