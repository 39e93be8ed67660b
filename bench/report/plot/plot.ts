import type { Contender } from "../../figures.ts";

/** A median, and how far its samples spread. */
export interface Point {
  readonly x: number;
  readonly y: number;
  readonly low: number;
  readonly high: number;
}

/** The points of one contender, by x. */
export interface Line {
  readonly contender: Contender;
  readonly points: readonly Point[];
}

/** One diagram of a plot. */
export interface Panel {
  readonly title: string;
  readonly lines: readonly Line[];
}

/** Diagrams of the same thing. */
export interface Plot {
  /** File name without its ending. */
  readonly name: string;
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  /** Equal steps for equal ratios, from 0, or a place for each value. */
  readonly xScale: "log" | "linear" | "steps";
  readonly yScale: "log" | "linear";
  /** Whether all panels go up to the same height. */
  readonly sharesY: boolean;
  readonly panels: readonly Panel[];
}
