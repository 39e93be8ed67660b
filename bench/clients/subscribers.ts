import { serveCalls } from "../process/host.ts";
import { SubscriberGroup, type Expectation, type GroupOptions } from "./subscriber-group.ts";

/** The driver's view of the process that holds the subscribers. Groups have names. */
export interface SubscriberMethods {
  open(options: GroupOptions & { readonly group: string }): Promise<void>;
  close(group: string): Promise<void>;
  /** Forgets what has arrived. */
  reset(group: string): Promise<void>;
  /** Waits for silence; resolves to the bytes that every subscriber has received. */
  receivedByEach(group: string): Promise<number>;
  expect(expectation: Expectation & { readonly group: string }): Promise<void>;
  /** Resolves when everything expected has arrived. */
  finished(group: string): Promise<void>;
  arrivals(group: string): Promise<Float64Array>;
}

const groups = new Map<string, SubscriberGroup>();

function groupNamed(name: string): SubscriberGroup {
  const group = groups.get(name);
  if (group === undefined) throw new Error(`no subscribers named ${name}`);
  return group;
}

serveCalls<SubscriberMethods>({
  open: async ({ group, ...options }) => {
    groups.set(group, await SubscriberGroup.open(options));
  },
  close: async (group) => {
    groupNamed(group).close();
    groups.delete(group);
  },
  reset: async (group) => groupNamed(group).reset(),
  receivedByEach: async (group) => groupNamed(group).receivedByEach(),
  expect: async ({ group, ...expectation }) => groupNamed(group).expect(expectation),
  finished: async (group) => groupNamed(group).finished(),
  arrivals: async (group) => groupNamed(group).arrivals(),
});
