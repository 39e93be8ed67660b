import { sendRequest } from "../../../lib/http-client.ts";
import type { WebhookRequest } from "./request.ts";

/** Sends a request; resolves to the status of the answer. Rejects without one, and when the signal is aborted. */
export type Post = (request: WebhookRequest, signal: AbortSignal) => Promise<number>;

/** Bytes of an answer that are read, so that its connection can be used again. */
const MAX_ANSWER_BYTES = 65_536;

/** Posts over HTTP. An answer may take `timeoutMs`, to its last byte. */
export function createPost(timeoutMs: number): Post {
  const limits = { timeoutMs, maxBytes: MAX_ANSWER_BYTES };
  return async ({ url, ...request }, signal) => {
    const { status } = await sendRequest(
      { method: "POST", url: new URL(url), ...request, wantsBody: false },
      limits,
      signal,
    );
    return status;
  };
}
