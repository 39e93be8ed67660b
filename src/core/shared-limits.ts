/** What nodes hear of each other's rates: each counts what all have taken. */
export type SharedRates = Pick<SharedLimits, "reportTaken" | "onTakenElsewhere">;

/**
 * Limits that hold for several nodes together: how many there are of something, what has been taken of a rate, and how
 * many sessions there are.
 */
export interface SharedLimits {
  /**
   * Counts one more of `key`; false, and counts nothing, where there are `max` already. One atomic step for all nodes,
   * which need not be waited for where its outcome is known. What a node has counted goes with it when it dies.
   */
  take(key: string, max: number): boolean | Promise<boolean>;
  /** Counts one less of what this node has taken. */
  give(key: string): void;
  /** Points of a rate have been taken on this node: the others count them too, as of a moment later. Cheap. */
  reportTaken(rate: string, key: string, points: number): void;
  /** Calls back with what other nodes take of a rate. One listener for each rate. */
  onTakenElsewhere(rate: string, listener: (key: string, points: number) => void): void;
  /** This node has so many identified sessions now. Cheap. */
  reportSessions(count: number): void;
  /** How many the other nodes have together, as of a moment ago. */
  readonly sessionsElsewhere: number;
  /**
   * Resolves once this node knows of everything that the others had reported before the call; undefined where it knows
   * already. One node after the other: what it reports in the same turn of the event loop, the next one that catches up
   * knows. Does not reject: where the others cannot be asked, what is known has to do.
   */
  catchUp(): Promise<void> | undefined;
}
