import type { Figure, ScenarioName, Subject } from "../figures.ts";
import type { Verdict } from "../judge.ts";
import { compared, ratioColumn, subjectColumn, type Table, tableOf, valueColumn } from "./columns.ts";
import { times, units } from "./units.ts";

const transport = subjectColumn("transport", "transport");
const subscribers = subjectColumn("subscribers", "subscribers");
const payload = subjectColumn("payload, B", "payloadBytes");
const burst = subjectColumn("burst", "burst");
const connections = subjectColumn("connections", "connections");

/** The figures as tables, in the order of the scenarios; tables without rows are left out. */
export function tablesOf(figures: readonly Figure[]): Table[] {
  const of = (scenario: ScenarioName, wanted: (subject: Subject) => boolean = () => true): Figure[] =>
    figures.filter(({ subject }) => subject.scenario === scenario && wanted(subject));
  const isSingle = (subject: Subject): boolean => "burst" in subject && subject.burst === 1;
  const tables = [
    tableOf("CPU µs of the server per delivery, single publications", of("fanout", isSingle), [
      transport,
      subscribers,
      payload,
      ...compared("cpuMicrosPerDelivery", ["bare", "naive", "http2"]),
    ]),
    tableOf(
      "CPU µs of the server per delivery, bursts",
      of("fanout", (subject) => !isSingle(subject)),
      [
        transport,
        subscribers,
        payload,
        burst,
        ...compared("cpuMicrosPerDelivery", ["joined", "bare", "naive", "http2"]),
      ],
    ),
    tableOf("CPU µs of the server per delivery, many subscribers against fewer", of("scale"), [
      transport,
      subscribers,
      subjectColumn("fewer", "fewer"),
      burst,
      ...compared("cpuMicrosPerDelivery", ["fewer"]),
      valueColumn("cpuMicrosPerDelivery", "bare"),
      valueColumn("cpuMicrosPerDelivery", "bareFewer"),
      ratioColumn("bare ÷ bare, fewer", "cpuMicrosPerDelivery", "bare", "bareFewer"),
    ]),
    tableOf("Several workers, µs per delivery of CPU (all processes) and of time", of("workers"), [
      transport,
      subscribers,
      burst,
      subjectColumn("workers", "workers"),
      ...compared("cpuMicrosPerDelivery", ["single", "bare", "joined", "naive"], "CPU "),
      ...compared("wallMicrosPerDelivery", ["single", "bare", "joined", "naive"], "time "),
      valueColumn("receiverMicrosPerDelivery", "millrace", "CPU of the receiver, "),
    ]),
    tableOf("Publish-to-receive, 10 publications a second, ms", of("latency"), [
      transport,
      subscribers,
      ...compared("latencyP50Micros", ["bare"], "p50 "),
      ...compared("latencyP99Micros", ["bare"], "p99 "),
    ]),
    tableOf("Subscribers that do not read: publish-to-receive of the others, ms; memory, KB", of("slow"), [
      transport,
      subscribers,
      subjectColumn("slow", "slow"),
      ...compared("latencyP50Micros", ["without"], "p50 "),
      ...compared("latencyP99Micros", ["without"], "p99 "),
      valueColumn("bytesPerSlowSession", "millrace", "at most per slow one, "),
    ]),
    tableOf("Resident memory per idle connection, KB", of("memory"), [
      transport,
      connections,
      ...compared("rssBytesPerConnection", ["bare"]),
    ]),
    tableOf("CPU µs per idle connection and second, a ping every 25 seconds", of("idle"), [
      transport,
      connections,
      ...compared("idleMicrosPerSecond", ["bare"]),
    ]),
    tableOf("Publishing without subscribers", of("unary"), [
      subjectColumn("door", "door"),
      ...compared("requestsPerSecond", ["echo", "empty", "json"], "req/s "),
      ...compared("cpuMicrosPerRequest", ["echo", "empty", "json"], "CPU µs "),
    ]),
    tableOf("Publishing over HTTP into a channel with history", of("history"), [
      ...compared("cpuMicrosPerRequest", ["without"], "CPU µs "),
    ]),
    tableOf("WebSocket clients that come back at once, with tokens", of("storm"), [
      subjectColumn("clients", "connections"),
      subjectColumn("missed", "missed"),
      ...compared("cpuMicrosPerConnection", ["without", "bare"], "CPU µs each, "),
      ...compared("stallMicros", ["bare"], "longest turn, ms, "),
      ...compared("allConnectedMicros", ["bare"], "all connected, ms, "),
    ]),
  ];
  return tables.filter(({ rows }) => rows.length > 0);
}

/** What was to be reached, and what was. */
export function verdictTable(verdicts: readonly Verdict[]): Table {
  return {
    title: "Figures to reach",
    headings: ["what", "where", "against", "to reach", "measured", ""],
    rows: verdicts.map(({ what, subject, metric, baseline, bound, limit, measured, reached, obstacle }) => {
      const { name, format, scaled } = units[metric];
      const isRatio = baseline !== undefined;
      return [
        what,
        placeOf(subject),
        baseline ?? "–",
        `${bound} ${isRatio ? `${limit} ×` : `${scaled(limit)} ${name}`}`,
        isRatio ? times(measured) : `${format(measured)} ${name}`,
        reached ? "reached" : (obstacle ?? "MISSED"),
      ];
    }),
  };
}

function placeOf(subject: Subject): string {
  switch (subject.scenario) {
    case "fanout":
    case "latency":
      return subject.transport;
    case "scale":
      return `${subject.transport}, bursts of ${subject.burst}`;
    case "workers":
      return `${subject.transport}, ${subject.workers} workers, bursts of ${subject.burst}`;
    case "slow":
      return `${subject.slow} of ${subject.subscribers} ${subject.transport}`;
    case "memory":
    case "idle":
      return `${subject.connections} ${subject.transport}`;
    case "unary":
    case "history":
      return subject.door;
    case "storm":
      return `${subject.connections} clients`;
  }
}
