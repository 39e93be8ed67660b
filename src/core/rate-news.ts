/**
 * What nodes tell each other of rates that hold for all of them together: each counts what all have taken, as of a
 * moment ago.
 */
export interface RateNews {
  /** Points of a limit have been taken on this node. Cheap. */
  tell(limit: string, key: string, points: number): void;
  /** Is told what other nodes take of a limit. One listener for each limit. */
  listen(limit: string, onTaken: (key: string, points: number) => void): void;
}

/** Where there are no other nodes. */
export const NO_RATE_NEWS: RateNews = { tell: () => undefined, listen: () => undefined };
