import type { CliIo } from "./cli-io.ts";

/**
 * How long the same signal, come again, is the same wish: a terminal and a supervisor signal all processes of a group,
 * and npm and our launcher pass on what they get.
 */
const SAME_SIGNAL_MS = 1000;

/**
 * The first SIGINT or SIGTERM, or the end of the terminal; a second one ends the process at once.
 *
 * Listens for as long as the process is there: the same signal may come again when all else has ended.
 */
export class StopRequest {
  readonly requested: Promise<string>;

  constructor(io: CliIo) {
    const { promise, resolve } = Promise.withResolvers<string>();
    this.requested = promise;
    let first: { readonly signal: string; readonly atMs: number } | undefined;
    const onStop = (signal: string): void => {
      const atMs = io.clock.monotonicMs();
      first ??= { signal, atMs };
      const isFirst = signal === first.signal && atMs - first.atMs < SAME_SIGNAL_MS;
      if (isFirst) resolve(signal);
      else io.exit(1);
    };
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      io.onSignal(signal, () => onStop(signal));
    }
    io.onSignal("SIGHUP", () => io.isTerminalGone() && resolve("SIGHUP"));
  }
}

/** SIGHUPs: each has the configuration read again, one after the other, from when the server runs. */
export class ReloadRequests implements Disposable {
  readonly #onRequest: () => Promise<void>;
  readonly #subscription: Disposable;
  #isRequested = false;
  #isBusy = true;

  /** What `onRequest` returns never rejects. */
  constructor(io: CliIo, onRequest: () => Promise<void>) {
    this.#onRequest = onRequest;
    this.#subscription = io.onSignal("SIGHUP", () => {
      this.#isRequested = !io.isTerminalGone();
      this.#next();
    });
  }

  /** The server runs. */
  begin(): void {
    this.#isBusy = false;
    this.#next();
  }

  #next(): void {
    if (this.#isBusy || !this.#isRequested) return;
    this.#isRequested = false;
    this.#isBusy = true;
    void this.#onRequest().then(() => this.begin());
  }

  [Symbol.dispose](): void {
    this.#subscription[Symbol.dispose]();
  }
}
