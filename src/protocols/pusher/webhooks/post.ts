import type { WebhookRequest } from "./request.ts";

/** Sends a request; resolves to the status of the answer. Rejects without one, and when the signal is aborted. */
export type Post = (request: WebhookRequest, signal: AbortSignal) => Promise<number>;

/** Bytes of an answer that are read, so that its connection can be used again. */
const MAX_ANSWER_BYTES = 65_536;

/** Posts with `fetch`. An answer may take `timeoutMs`, to its last byte. Redirects are not followed. */
export function createPost(timeoutMs: number): Post {
  return async ({ url, headers, body }, signal) => {
    const response = await fetch(url, {
      method: "POST",
      redirect: "manual",
      headers,
      body,
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    await discard(response.body);
    return response.status;
  };
}

/** Whatever becomes of the body, the status stands. */
async function discard(body: AsyncIterable<Uint8Array> | null): Promise<void> {
  let size = 0;
  try {
    for await (const chunk of body ?? []) {
      size += chunk.byteLength;
      // Leaving the loop cancels the rest.
      if (size > MAX_ANSWER_BYTES) return;
    }
  } catch {
    return;
  }
}
