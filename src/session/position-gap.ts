import { type Disconnect, disconnect } from "../core/disconnect.ts";
import type { GapFinder } from "../core/metrics.ts";

/** Cause of a disconnect: publications of a channel have not reached a client that is to get all of them. */
export class PositionGap extends Error {
  override readonly name = "PositionGap";
  readonly foundBy: GapFinder;

  constructor(foundBy: GapFinder) {
    super("publications are missing");
    this.foundBy = foundBy;
  }
}

/** 3010: the client comes back, and gets what it has missed. */
export function endOfGap(foundBy: GapFinder): Disconnect {
  return disconnect("insufficientState", new PositionGap(foundBy));
}
