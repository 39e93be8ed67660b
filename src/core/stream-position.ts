/** Where a channel's stream stands: the offset of its newest publication and the epoch the offset counts in. */
export interface StreamPosition {
  /** Count of publications since the epoch began; 0 means none. A safe integer. */
  readonly offset: number;
  /** Opaque name of one life of the stream; "" where the channel keeps no history. */
  readonly epoch: string;
}

/** The position of a channel that keeps no history. */
export const NO_POSITION: StreamPosition = { offset: 0, epoch: "" };
