import type { Contender, Figure, ScenarioName } from "./figures.ts";
import { type CellPlan, HEADLINE, isHeadline, type Plan } from "./plan.ts";
import { serverOf } from "./scenarios/arena.ts";
import { measureFanOut } from "./scenarios/fan-out.ts";
import { measureHistory } from "./scenarios/history.ts";
import { measureIdle } from "./scenarios/idle.ts";
import { measureLatency } from "./scenarios/latency.ts";
import { measureMemory } from "./scenarios/memory.ts";
import { measureScale } from "./scenarios/scale.ts";
import { measureSlow } from "./scenarios/slow.ts";
import { measureStorm } from "./scenarios/storm.ts";
import { measureUnary } from "./scenarios/unary.ts";
import { measureWorkers } from "./scenarios/workers.ts";
import type { TransportName } from "./wire/transport.ts";

/** A part of the plan: it yields figures, and fails alone. */
export interface Part {
  readonly name: string;
  /** Sockets in the process that needs most. */
  readonly sockets: number;
  measure(): AsyncGenerator<Figure>;
}

/** Everything that a plan asks for, in order. */
export function partsOf(plan: Plan): Part[] {
  return plan.scenarios.flatMap((scenario) => partsOfScenario[scenario](plan));
}

const SCALE = { subscribers: 10_000, fewer: 1000 };

const partsOfScenario: Readonly<Record<ScenarioName, (plan: Plan) => Part[]>> = {
  fanout: (plan) =>
    plan.transports.flatMap((transport) =>
      [...Map.groupBy(plan.cells, ({ subscribers }) => subscribers)].map(([subscribers, cells]) =>
        fanOutPart(plan, transport, subscribers, cells),
      ),
    ),
  scale: (plan) =>
    ofFirstTransport(plan, (transport) => ({
      name: `scale ${transport}`,
      sockets: SCALE.subscribers,
      measure: () => measureScale({ ...SCALE, ...plan, transport, sampling: plan.effort.scale }),
    })),
  workers: (plan) =>
    ofFirstTransport(plan, (transport) => ({
      name: `workers ${transport}`,
      sockets: HEADLINE.subscribers,
      measure: () => measureWorkers({ ...HEADLINE, transport, sampling: plan.effort.workers }),
    })),
  latency: (plan) =>
    plan.transports.map((transport) => ({
      name: `latency ${transport}`,
      sockets: HEADLINE.subscribers,
      measure: () => measureLatency({ ...HEADLINE, ...plan, transport, sampling: plan.effort.latency }),
    })),
  slow: (plan) => [
    {
      name: "slow",
      sockets: plan.effort.slow.subscribers,
      measure: () => measureSlow({ ...plan, sampling: plan.effort.slow }),
    },
  ],
  memory: (plan) =>
    plan.transports.map((transport) => ({
      name: `memory ${transport}`,
      sockets: Math.max(...plan.effort.memory.connections),
      measure: () => measureMemory({ transport, sampling: plan.effort.memory }),
    })),
  idle: (plan) => [
    {
      name: "idle",
      sockets: plan.effort.idle.connections,
      measure: () => measureIdle({ ...plan, sampling: plan.effort.idle }),
    },
  ],
  unary: (plan) =>
    plan.doors.map((door) => ({
      name: `unary ${door}`,
      sockets: 0,
      measure: () => measureUnary({ ...plan, door, sampling: plan.effort.unary }),
    })),
  history: (plan) => [
    { name: "history", sockets: 0, measure: () => measureHistory({ ...plan, sampling: plan.effort.unary }) },
  ],
  storm: (plan) => [
    {
      name: "storm",
      sockets: plan.effort.storm.connections,
      measure: () => measureStorm({ ...plan, sampling: plan.effort.storm }),
    },
  ],
};

function ofFirstTransport({ transports }: Plan, part: (transport: TransportName) => Part): Part[] {
  return transports.slice(0, 1).map(part);
}

function fanOutPart(
  { effort, profileFolder }: Plan,
  transport: TransportName,
  subscribers: number,
  plans: readonly CellPlan[],
): Part {
  const cells = plans.map((cell) => ({
    ...cell,
    sampling: isHeadline(cell) ? effort.headline : effort.others,
    contenders: contendersOf(transport, cell),
  }));
  const servers = new Set(cells.flatMap(({ contenders }) => contenders.map(serverOf)));
  return {
    name: `fanout ${transport} ${subscribers}`,
    sockets: subscribers,
    measure: () => measureFanOut({ transport, subscribers, servers: [...servers], cells, profileFolder }),
  };
}

/** Who takes part in a cell: away from what is plotted and judged only what tells most. */
function contendersOf(transport: TransportName, cell: CellPlan): Contender[] {
  const { subscribers, payloadBytes } = HEADLINE;
  if (cell.payloadBytes !== payloadBytes) return ["millrace", cell.burst === 1 ? "bare" : "joined"];
  if (cell.burst === 1) return ["millrace", "bare", "naive", ...http2(transport, cell)];
  if (cell.subscribers !== subscribers) return ["millrace", "joined"];
  return ["millrace", "joined", "bare", "naive", ...http2(transport, cell)];
}

function http2(transport: TransportName, cell: CellPlan): Contender[] {
  return transport === "uni_grpc" && isHeadline(cell) ? ["http2"] : [];
}
