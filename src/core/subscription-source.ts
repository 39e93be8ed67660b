/** How a subscription came about, by the numbers of the Connections API (docs/protocols/server-api.md §3.2). */
export const SUBSCRIPTION_SOURCE = {
  unknown: 0,
  connectionToken: 1,
  connectProxy: 2,
  subscriptionToken: 3,
  subscribeProxy: 4,
  userLimited: 5,
  clientAllowed: 6,
  insecure: 7,
  uniConnect: 8,
  personalChannel: 9,
  serverApi: 10,
  capability: 11,
  expression: 12,
  subscribeStreamProxy: 13,
} as const;

export type SubscriptionSource = (typeof SUBSCRIPTION_SOURCE)[keyof typeof SUBSCRIPTION_SOURCE];

const SERVER_SIDE: ReadonlySet<SubscriptionSource> = new Set([
  SUBSCRIPTION_SOURCE.connectionToken,
  SUBSCRIPTION_SOURCE.connectProxy,
  SUBSCRIPTION_SOURCE.uniConnect,
  SUBSCRIPTION_SOURCE.personalChannel,
  SUBSCRIPTION_SOURCE.serverApi,
]);

/** Whether the subscription is the server's to change: its client has not made it with a message of its own. */
export function isServerSide(source: SubscriptionSource): boolean {
  return SERVER_SIDE.has(source);
}
