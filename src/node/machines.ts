import type { NodeInfo } from "../core/commands.ts";
import type { NodeCounts } from "./cluster/calls.ts";
import type { NodeEntry } from "./cluster/node-registry.ts";
import type { NodeAnswer } from "./cluster/surveys.ts";

/**
 * What the API sees as nodes: one for each machine, however many processes it has. What is connected to several of them
 * counts once where it is the same user or channel.
 */
export function machinesOf(
  nodes: readonly NodeEntry[],
  counts: readonly NodeAnswer<NodeCounts>[],
): readonly NodeInfo[] {
  const byMachine = Map.groupBy(nodes, ({ machine }) => machine);
  return [...byMachine].map(([uid, processes]) => {
    const uids = new Set(processes.map((process) => process.uid));
    const values = counts.filter((answer) => uids.has(answer.uid)).map(({ value }) => value);
    const {
      name = "",
      version = "",
      uptimeSec = 0,
    } = processes.find((process) => process.uid === uid) ?? processes[0] ?? {};
    return {
      uid,
      name,
      version,
      uptimeSec: Math.floor(uptimeSec),
      numClients: sumOf(values.map(({ numClients }) => numClients)),
      numUsers: countDistinct(values.map(({ users }) => users)),
      numChannels: countDistinct(values.map(({ channels }) => channels)),
      numSubs: sumOf(values.map(({ numSubs }) => numSubs)),
    };
  });
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}

function countDistinct(lists: readonly Float64Array[]): number {
  const distinct = new Set<number>();
  for (const list of lists) for (const hash of list) distinct.add(hash);
  return distinct.size;
}
