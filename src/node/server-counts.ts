import type { NodeInfo } from "../core/commands.ts";
import type { Controller } from "../core/controller.ts";
import type { Hub } from "../hub/hub.ts";
import type { Session } from "../session/session.ts";
import type { EveryNode } from "./every-node.ts";

/** What is connected to all nodes together; a user or channel of several nodes counts once. */
export async function countServer(
  hub: Hub<Session>,
  controller: Controller,
  everyNode: EveryNode,
): Promise<Pick<NodeInfo, "numClients" | "numUsers" | "numChannels" | "numSubs">> {
  if (controller.others().length === 0) {
    const { memberCount, userCount, channelCount, subscriptionCount } = hub;
    return {
      numClients: memberCount,
      numUsers: userCount,
      numChannels: channelCount,
      numSubs: subscriptionCount,
    };
  }
  const counts = await everyNode.ask("counts");
  return {
    numClients: sum(counts.map(({ numClients }) => numClients)),
    numUsers: countDistinct(counts.map(({ users }) => users)),
    numChannels: countDistinct(counts.map(({ channels }) => channels)),
    numSubs: sum(counts.map(({ numSubs }) => numSubs)),
  };
}

/** The sum of numbers. */
export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function countDistinct(lists: readonly Float64Array[]): number {
  const distinct = new Set<number>();
  for (const list of lists) for (const hash of list) distinct.add(hash);
  return distinct.size;
}
