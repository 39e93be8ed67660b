import type { SubscriberMethods } from "../clients/subscribers.ts";
import type { Child } from "../process/child.ts";
import type { FanOutMethods, PaceOptions } from "../servers/fan-out-host.ts";

/** A server in one process and its subscribers in another. */
export interface Entrant {
  readonly server: Child<FanOutMethods>;
  readonly subscribers: Child<SubscriberMethods>;
}

/** The group that all subscribers of an entrant are in. */
export const GROUP = "all";

/** Publishes at a steady pace; resolves to all publish-to-receive times in microseconds, ascending. */
export async function paceEntrant(
  { server, subscribers }: Entrant,
  options: PaceOptions & { readonly roundBytes: number; readonly subscribers: number },
): Promise<Float64Array> {
  const { rounds, intervalMs, roundBytes, subscribers: count } = options;
  await server.call("collectGarbage");
  await subscribers.call("expect", { group: GROUP, roundBytes, rounds, roundsPerCredit: undefined });
  const [publishedAt] = await Promise.all([
    server.call("pace", { rounds, intervalMs }),
    subscribers.call("finished", GROUP),
  ]);
  const arrivals = await subscribers.call("arrivals", GROUP);
  return arrivals.map((at, index) => at - (publishedAt[Math.floor(index / count)] ?? 0)).toSorted();
}
