import type { Writable } from "node:stream";

/** Codes of writes that nobody reads: a pipe without a reader, a terminal that is gone. */
const LOST: ReadonlySet<unknown> = new Set(["EPIPE", "EIO"]);

/**
 * Lets the process outlive whoever reads a standard stream of it; what is written from then on is lost.
 *
 * `onFailure` hears of writes that fail for any other reason, such as a full disk.
 */
export function outliveReader(stream: Writable, onFailure?: () => void): void {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (!LOST.has(error.code)) onFailure?.();
  });
}
