/** Formats of `publication_data_format`; "" refuses empty payloads only. */
export type PublicationDataFormat = "" | "json" | "json_object" | "binary";

/** How much of a channel's stream is kept. */
export interface HistoryOptions {
  /** Publications kept at most; the oldest go first. At least 1. */
  readonly size: number;
  /** Milliseconds after the latest publication at which all kept ones are dropped. Above 0. */
  readonly ttlMs: number;
  /** Milliseconds after the latest publish or read at which offset and epoch are forgotten. At least `ttlMs`. */
  readonly metaTtlMs: number;
}

/** What a returning subscriber gets: every publication it missed, or the latest one. */
export type RecoveryMode = "stream" | "cache";

/** A pattern that takes time proportional to the text, since strangers choose the text. */
export interface TextPattern {
  /** Whether the pattern matches anywhere in the text. */
  test(text: string): boolean;
}

/** The options of one channel, resolved from its namespace. */
export interface ChannelOptions {
  readonly publicationDataFormat: PublicationDataFormat;
  /** Undefined where the channel keeps no history. */
  readonly history: HistoryOptions | undefined;
  /** Milliseconds after which the position of a channel that is only read is forgotten. */
  readonly historyMetaTtlMs: number;
  readonly forcePositioning: boolean;
  /** Implies positioning; needs history. */
  readonly forceRecovery: boolean;
  readonly recoveryMode: RecoveryMode;
  /** In cache mode: every subscriber gets the latest publication, asked or not. */
  readonly autoCacheRecover: boolean;
  readonly presence: boolean;
  /** Users in its presence at most; 0 for any number. */
  readonly presenceMaxUsers: number;
  /** The coming of a user's first and the going of its last client are told to the channel. Needs presence. */
  readonly memberNotices: boolean;
  /** Subscribing and unsubscribing is told to the channel. */
  readonly joinLeave: boolean;
  /** Subscribers receive what joinLeave tells. */
  readonly forcePushJoinLeave: boolean;
  /** Subscribers may have publications as differences to the one before. */
  readonly allowFossilDelta: boolean;
  /** Every publication is offered as a difference, whether its publisher says so or not. */
  readonly deltaPublish: boolean;
  readonly allowSubscribeForClient: boolean;
  /** Widens `allowSubscribeForClient` to anonymous users; does nothing alone. */
  readonly allowSubscribeForAnonymous: boolean;
  /** Gives `#` its meaning: the user ids after it are the only ones admitted. */
  readonly allowUserLimitedChannels: boolean;
  /** What clients may ask for, by the name without its namespace; undefined for every ASCII name. */
  readonly channelRegex: TextPattern | undefined;
}

/** The options of a channel that is configured nowhere: live publications, nobody admitted, nothing kept. */
export const DEFAULT_CHANNEL_OPTIONS: ChannelOptions = {
  publicationDataFormat: "",
  history: undefined,
  historyMetaTtlMs: 30 * 24 * 3_600_000,
  forcePositioning: false,
  forceRecovery: false,
  recoveryMode: "stream",
  autoCacheRecover: false,
  presence: false,
  presenceMaxUsers: 0,
  memberNotices: false,
  joinLeave: false,
  forcePushJoinLeave: false,
  allowFossilDelta: false,
  deltaPublish: false,
  allowSubscribeForClient: false,
  allowSubscribeForAnonymous: false,
  allowUserLimitedChannels: false,
  channelRegex: undefined,
};

/** Channel options that a grant may change; a member left out keeps the namespace's value. */
export interface SubscriptionOverride {
  readonly presence?: boolean;
  readonly joinLeave?: boolean;
  readonly forcePushJoinLeave?: boolean;
  readonly forcePositioning?: boolean;
  readonly forceRecovery?: boolean;
}
