import type { ConnectionInfo } from "../core/connection-info.ts";
import type { SubscriptionSource } from "../core/subscription-source.ts";
import type { Session } from "../session/session.ts";

/** The channels that the client has been told of, and how it came to them. */
export function channelsOf(session: Session): Map<string, SubscriptionSource> {
  const channels = new Map<string, SubscriptionSource>();
  for (const [channel, { isActive, source }] of session.subscriptions) {
    if (isActive) channels.set(channel, source);
  }
  return channels;
}

/** A session as the Connections API shows it. */
export function describeSession(session: Session): ConnectionInfo {
  const { id: client, transport, connectedAtMs } = session;
  const { user, appName, appVersion, tokenId, issuedAtSec, meta, labels } = session.identity;
  return {
    client,
    user,
    appName,
    appVersion,
    transport: transport.name,
    protocol: transport.protocol,
    channels: channelsOf(session),
    tokenId,
    issuedAtSec,
    meta,
    labels,
    connectedAtMs,
    latencyMs: transport.latencyMs ?? -1,
  };
}
