import { parseArgs } from "node:util";
import type { ScenarioName } from "./figures.ts";
import { EFFORTS, type Effort, type Plan } from "./plan.ts";
import { DOORS } from "./wire/publish-request.ts";
import { TRANSPORTS } from "./wire/transport.ts";

export const USAGE = `Usage: npm run bench [-- [scenario...] [options]]

Scenarios (all of them by default):
  fanout     CPU of the server per delivery
  latency    publish-to-receive, p50 and p99, at 10 publications a second
  memory     resident memory per idle connection
  unary      publishing over HTTP and gRPC
  history    publishing into a channel that keeps history
  reconnect  clients that come back all at once and recover what they missed

Options; those that take a list also take commas:
  --transport LIST     uni_websocket, uni_http_stream, uni_sse, uni_grpc
  --subscribers LIST   fanout: connections that listen (100,1000,5000)
  --payload LIST       fanout: bytes per publication (128,1024)
  --burst LIST         fanout: publications per turn of the event loop (1,16)
  --door LIST          unary: http, grpc
  --repetitions N      instead of what is usual for a figure
  --quick              less of everything; a minute instead of eight
  --json FILE          everything measured, as JSON
  --write, --no-write  docs/benchmarks.md; written by default when everything runs in full
  --cpu-prof FOLDER    CPU profiles of Millrace's processes
  --help`;

const SCENARIOS: readonly ScenarioName[] = ["fanout", "latency", "memory", "unary", "history", "reconnect"];

/** A command line that cannot be understood. */
export class UsageError extends Error {}

/** Reads the command line; undefined when it only asks for help. Throws UsageError. */
export function parsePlan(argv: readonly string[]): Plan | undefined {
  const { values, positionals } = parse(argv);
  if (values.help === true) return undefined;
  const quick = values.quick === true;
  const effort = EFFORTS[quick ? "quick" : "full"];
  return {
    scenarios: namesOf(positionals, SCENARIOS, "scenario"),
    transports: namesOf(values.transport, TRANSPORTS, "transport"),
    subscribers: numbersOf(values.subscribers, "--subscribers", quick ? [1000] : [100, 1000, 5000]),
    payloads: numbersOf(values.payload, "--payload", quick ? [128] : [128, 1024]),
    bursts: numbersOf(values.burst, "--burst", [1, 16]),
    doors: namesOf(values.door, DOORS, "door"),
    effort: values.repetitions === undefined ? effort : repeated(effort, values.repetitions),
    jsonFile: values.json,
    writePage: values.write ?? argv.length === 0,
    profileFolder: values["cpu-prof"],
  };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      allowNegative: true,
      options: {
        transport: { type: "string", multiple: true },
        subscribers: { type: "string", multiple: true },
        payload: { type: "string", multiple: true },
        burst: { type: "string", multiple: true },
        door: { type: "string", multiple: true },
        repetitions: { type: "string" },
        quick: { type: "boolean" },
        json: { type: "string" },
        write: { type: "boolean" },
        "cpu-prof": { type: "string" },
        help: { type: "boolean" },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
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
  given: string[] | undefined,
  option: string,
  otherwise: readonly number[],
): readonly number[] {
  if (given === undefined) return otherwise;
  return split(given).map((text) => {
    const number = Number(text);
    if (!Number.isSafeInteger(number) || number < 1) throw new UsageError(`${option} ${text}: not a number`);
    return number;
  });
}

function split(texts: readonly string[]): string[] {
  return texts.flatMap((text) => text.split(","));
}

function repeated(effort: Effort, text: string): Effort {
  const [repetitions = 1] = numbersOf([text], "--repetitions", []);
  return {
    headline: { ...effort.headline, repetitions },
    others: { ...effort.others, repetitions },
    latency: { ...effort.latency, repetitions },
    memory: { ...effort.memory, repetitions },
    unary: { ...effort.unary, repetitions },
    reconnect: { ...effort.reconnect, repetitions },
  };
}
