import type { ClientInfo } from "../../../core/publication.ts";
import { kindOf } from "../channel-name.ts";
import { dataOf } from "../publish-event.ts";
import { type ApiCall, badRequest } from "./endpoint.ts";

/** What can be asked about a channel, in parameter `info` (docs/protocols/pusher.md §4.2). */
export type Attribute = "user_count" | "subscription_count" | "cache";

/** The latest event of a cache channel, and for how many seconds at most it will be kept. */
interface CachedEvent {
  readonly data: string;
  readonly ttl: number;
}

/** Answers about a channel. */
export interface Attributes {
  readonly user_count?: number;
  readonly subscription_count?: number;
  readonly cache?: CachedEvent | null;
}

/** The attributes in a list like `user_count,cache`; undefined where nothing is asked. */
export function readAttributes(
  info: unknown,
  available: readonly Attribute[],
): ReadonlySet<Attribute> | undefined {
  if (info === undefined || info === null || info === "") return undefined;
  if (typeof info !== "string") throw badRequest("info is no string");
  const names = info.split(",").map((name) => name.trim());
  return new Set(
    names.map((name) => {
      const attribute = available.find((each) => each === name);
      if (attribute === undefined) {
        throw badRequest(`info has ${JSON.stringify(name)}, which is none of ${available.join(", ")}`);
      }
      return attribute;
    }),
  );
}

/** Whether such a channel has the attribute. */
export function hasAttribute(channel: string, attribute: Attribute): boolean {
  const { isPresence, isCache } = kindOf(channel);
  switch (attribute) {
    case "user_count":
      return isPresence;
    case "subscription_count":
      return true;
    case "cache":
      return isCache;
  }
}

/** Those attributes that the channel has. */
export async function attributesOf(
  { node, app }: Pick<ApiCall, "node" | "app">,
  channel: string,
  wanted: ReadonlySet<Attribute>,
): Promise<Attributes> {
  const has = (attribute: Attribute) => wanted.has(attribute) && hasAttribute(channel, attribute);
  const inCore = app.channelOf(channel);
  const [users, subscriptions, cache] = await Promise.all([
    has("user_count") ? membersOf(node, inCore) : undefined,
    has("subscription_count") ? node.channels.subscriberCount(inCore) : undefined,
    has("cache") ? cachedIn(node, inCore) : undefined,
  ]);
  return {
    ...(users === undefined ? {} : { user_count: users.size }),
    ...(subscriptions === undefined ? {} : { subscription_count: subscriptions }),
    ...(cache === undefined ? {} : { cache }),
  };
}

/** The members of a presence channel by user: each of them once, anonymous clients left out. */
export async function membersOf(
  node: ApiCall["node"],
  inCore: string,
): Promise<ReadonlyMap<string, ClientInfo>> {
  const clients = await node.channels.presence(inCore);
  const members = new Map<string, ClientInfo>();
  for (const client of clients.values()) {
    if (client.user !== "" && !members.has(client.user)) members.set(client.user, client);
  }
  return members;
}

/** When an event was published is not kept, so its time to live is told as that of a new one. */
async function cachedIn(node: ApiCall["node"], inCore: string): Promise<CachedEvent | null> {
  const { publications } = await node.channels.history(inCore, { limit: 1, reverse: true });
  const latest = publications[0];
  const ttlMs = node.channels.optionsOf(inCore)?.history?.ttlMs ?? 0;
  return latest === undefined ? null : { data: dataOf(latest), ttl: Math.ceil(ttlMs / 1000) };
}
