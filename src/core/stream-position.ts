/** Where a channel's stream stands: the offset of its newest publication and the epoch the offset counts in. */
export interface StreamPosition {
  /** Count of publications since the epoch began; 0 means none. A safe integer. */
  readonly offset: number;
  /** Opaque name of one life of the stream; "" where the channel keeps no history. */
  readonly epoch: string;
}

/** The position of a channel that keeps no history. */
export const NO_POSITION: StreamPosition = { offset: 0, epoch: "" };

/** A position that somebody tells, with an offset of 64 bits: beyond safe integers there is no stream. */
export function positionFrom(offset: bigint, epoch: string): StreamPosition {
  return { offset: Math.min(Number(offset), Number.MAX_SAFE_INTEGER), epoch };
}
