/** One call from the driver to a child process. */
export interface Call {
  readonly id: number;
  readonly method: string;
  readonly argument: unknown;
}

/** What the child answers. */
export type Reply =
  | { readonly type: "result"; readonly id: number; readonly result: unknown }
  | { readonly type: "error"; readonly id: number; readonly message: string };

/** The shape of an interface that a child process can offer: at most one argument, cloneable like the result. */
export type RemoteMethods<M> = { [K in keyof M]: (argument: never) => Promise<unknown> };

/** What every child process offers besides its own methods. */
export interface ProcessMethods {
  /** CPU time (user and system, all threads) since the process started, and its resident memory now. */
  usage(): Promise<Usage>;
  /** Collects garbage, all of it. */
  collectGarbage(): Promise<void>;
  /** Watches the event loop from now on. */
  watchLoop(): Promise<void>;
  /** The longest turn of the event loop since then, in microseconds; the watch ends. Known to a millisecond. */
  longestStallMicros(): Promise<number>;
}

/** What a process has used. */
export interface Usage {
  readonly cpuMicros: number;
  readonly rssBytes: number;
  /** What objects and buffers hold, garbage included. */
  readonly heldBytes: number;
}
