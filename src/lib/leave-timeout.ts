/** How long clients have to take what they were sent last, and to end their side. */
const LEAVE_TIMEOUT_MS = 5000;

/** How to wait for clients to leave. */
export interface LeaveOptions {
  /** Settles when the last one has left. */
  readonly gone: Promise<unknown>;
  /** When to wait no longer, whatever is worked on. */
  readonly deadline: AbortSignal;
  /** Whether something is worked on for one of them: then none of them is late. */
  readonly isWorking: () => boolean;
}

/** Resolves when all clients have left, or those that stay are to be cut. */
export function waitForLeave({ gone, deadline, isWorking }: LeaveOptions): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearInterval(timer);
      deadline.removeEventListener("abort", end);
      resolve();
    };
    const timer = setInterval(() => isWorking() || end(), LEAVE_TIMEOUT_MS);
    deadline.addEventListener("abort", end);
    if (deadline.aborted) end();
    void gone.finally(end);
  });
}
