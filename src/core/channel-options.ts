/** Formats of `publication_data_format`; "" refuses empty payloads only. */
export type PublicationDataFormat = "" | "json" | "json_object" | "binary";

/** The options of one channel, resolved from its namespace. */
export interface ChannelOptions {
  readonly publicationDataFormat: PublicationDataFormat;
  readonly allowSubscribeForClient: boolean;
  /** Widens `allowSubscribeForClient` to anonymous users; does nothing alone. */
  readonly allowSubscribeForAnonymous: boolean;
  /** Gives `#` its meaning: the user ids after it are the only ones admitted. */
  readonly allowUserLimitedChannels: boolean;
}

/** Channel options that a grant may change; a member left out keeps the namespace's value. */
export interface SubscriptionOverride {
  readonly presence?: boolean;
  readonly joinLeave?: boolean;
  readonly forcePushJoinLeave?: boolean;
  readonly forcePositioning?: boolean;
  readonly forceRecovery?: boolean;
}
