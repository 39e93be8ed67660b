/**
 * An error of the connection: a code of docs/protocols/pusher.md §1.5, or none where there is no reaction to it but
 * reading it.
 */
export function errorFrame(code: number | undefined, message: string): Buffer {
  return frameOf("pusher:error", JSON.stringify({ code: code ?? null, message }));
}

/** Why a channel is not to be had (docs/protocols/pusher.md §2.3): what `pusher:subscription_error` carries. */
export interface SubscriptionProblem {
  readonly type: "AuthError" | "LimitReached" | "InvalidChannel" | "ServerError";
  readonly error: string;
  readonly status: number;
}

export function subscriptionErrorFrame(channel: string, problem: SubscriptionProblem): Buffer {
  return frameOf("pusher:subscription_error", JSON.stringify(problem), channel);
}

/** What tells which watched users have come online or gone offline (docs/protocols/pusher.md §3.3). */
export function watchlistText(online: readonly string[], offline: readonly string[]): string {
  const events = [
    { name: "online", user_ids: online },
    { name: "offline", user_ids: offline },
  ];
  return JSON.stringify({ events: events.filter(({ user_ids: ids }) => ids.length > 0) });
}

/** A message whose `data` is the JSON text as it stands. */
export function frameOf(event: string, dataJson: string, channel?: string): Buffer {
  const ofChannel = channel === undefined ? "" : `,"channel":${JSON.stringify(channel)}`;
  return Buffer.from(`{"event":${JSON.stringify(event)}${ofChannel},"data":${dataJson}}`);
}

/** A message whose `data` is a string that holds the JSON text, as most of the protocol's events have it. */
export function stringDataFrame(event: string, data: string, channel?: string): Buffer {
  return frameOf(event, JSON.stringify(data), channel);
}
