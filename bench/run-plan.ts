import type { Contender, Figure } from "./figures.ts";
import { openFileLimit } from "./machine.ts";
import { HEADLINE, type Plan } from "./plan.ts";
import { serverOf } from "./scenarios/arena.ts";
import { measureFanOut } from "./scenarios/fan-out.ts";
import { measureHistory } from "./scenarios/history.ts";
import { measureLatency } from "./scenarios/latency.ts";
import { measureMemory } from "./scenarios/memory.ts";
import { measureReconnect } from "./scenarios/reconnect.ts";
import { measureUnary } from "./scenarios/unary.ts";
import type { TransportName } from "./wire/transport.ts";

/** Files that a process has open besides its connections; generously. */
const OTHER_OPEN_FILES = 100;

/** A part of the plan: it yields figures, and fails alone. */
interface Part {
  readonly name: string;
  /** Sockets in the process that needs most. */
  readonly sockets: number;
  measure(): AsyncGenerator<Figure>;
}

/** Who hears of what goes on. */
export interface RunObserver {
  onPart(part: string): void;
  onFigure(figure: Figure): void;
  /** A part was left out, or broke; the others go on. */
  onSkipped(part: string, reason: string): void;
}

/** Measures everything that the plan asks for, one part after the other. */
export async function runPlan(plan: Plan, observer: RunObserver): Promise<void> {
  const limit = openFileLimit();
  for (const part of partsOf(plan)) {
    observer.onPart(part.name);
    const needed = part.sockets + OTHER_OPEN_FILES;
    if (needed > limit) {
      observer.onSkipped(part.name, `needs ${needed} open files, ${limit} are allowed: raise ulimit -n`);
      continue;
    }
    try {
      for await (const figure of part.measure()) observer.onFigure(figure);
    } catch (error) {
      observer.onSkipped(part.name, error instanceof Error ? error.message : String(error));
    }
  }
}

function partsOf(plan: Plan): Part[] {
  const { transports, subscribers, doors, effort, profileFolder } = plan;
  const parts: Readonly<Record<Plan["scenarios"][number], () => Part[]>> = {
    fanout: () =>
      transports.flatMap((transport) => subscribers.map((count) => fanOutPart(plan, transport, count))),
    latency: () =>
      transports.map((transport) => ({
        name: `latency ${transport}`,
        sockets: 2 * HEADLINE.subscribers,
        measure: () => measureLatency({ ...HEADLINE, transport, sampling: effort.latency, profileFolder }),
      })),
    memory: () =>
      transports.map((transport) => ({
        name: `memory ${transport}`,
        sockets: effort.memory.connections,
        measure: () => measureMemory({ transport, sampling: effort.memory }),
      })),
    unary: () =>
      doors.map((door) => ({
        name: `unary ${door}`,
        sockets: 0,
        measure: () => measureUnary({ door, sampling: effort.unary, profileFolder }),
      })),
    history: () => [
      {
        name: "history",
        sockets: 0,
        measure: () => measureHistory({ sampling: effort.unary, profileFolder }),
      },
    ],
    reconnect: () => [
      {
        name: "reconnect",
        sockets: effort.reconnect.connections,
        measure: () => measureReconnect({ sampling: effort.reconnect, profileFolder }),
      },
    ],
  };
  return plan.scenarios.flatMap((scenario) => parts[scenario]());
}

function fanOutPart(plan: Plan, transport: TransportName, subscribers: number): Part {
  const { effort, payloads, bursts, profileFolder } = plan;
  const cells = payloads.flatMap((payloadBytes) =>
    bursts.map((burst) => {
      const isHeadline = subscribers === HEADLINE.subscribers && payloadBytes === HEADLINE.payloadBytes;
      const sampling = isHeadline ? effort.headline : effort.others;
      return { payloadBytes, burst, sampling, contenders: contendersOf(transport, burst, isHeadline) };
    }),
  );
  const servers = new Set(cells.flatMap(({ contenders }) => contenders.map(serverOf)));
  return {
    name: `fanout ${transport} ${subscribers}`,
    sockets: subscribers * servers.size,
    measure: () => measureFanOut({ transport, subscribers, servers: [...servers], cells, profileFolder }),
  };
}

/**
 * Who takes part in a cell. Away from the headline only what tells most; the naive loop is one of WebSockets, and
 * bursts on the other JSON transports have a figure to reach against it.
 */
function contendersOf(transport: TransportName, burst: number, isHeadline: boolean): Contender[] {
  const contenders: Contender[] = ["millrace"];
  if (burst === 1 || isHeadline) contenders.push("bare");
  if (burst > 1) contenders.push("joined");
  if (transport === "uni_grpc") return isHeadline ? [...contenders, "http2", "grpc-js"] : contenders;
  return transport === "uni_websocket" || (burst > 1 && isHeadline) ? [...contenders, "naive"] : contenders;
}
