/** How long a test waits for anything before it fails: far longer than it takes on a machine that is busy. */
export const PATIENCE_MS = 45_000;

/** Lets tests wait for conditions that can only change when `notify` is called. */
export class Signal {
  readonly #checks = new Set<() => void>();

  notify(): void {
    for (const check of this.#checks) check();
  }

  /** Resolves once the condition holds; rejects, naming `what` was waited for, when that takes too long. */
  until(isMet: () => boolean, what: string, limitMs: number = PATIENCE_MS): Promise<void> {
    if (isMet()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const check = (): void => {
        if (!isMet()) return;
        clearTimeout(timer);
        this.#checks.delete(check);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#checks.delete(check);
        reject(new Error(`no ${what} within ${limitMs} ms`));
      }, limitMs);
      this.#checks.add(check);
    });
  }
}
