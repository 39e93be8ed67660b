/** What a download may cost. */
export interface FetchLimits {
  /** Milliseconds for one attempt, from connecting to the last byte. */
  readonly timeoutMs: number;
  /** Bytes of the document, decompressed. */
  readonly maxBytes: number;
  /** Attempts, back to back. At least 1. */
  readonly attempts: number;
}

/**
 * Downloads a document with GET; rejects with an Error that names the URL and what the last attempt failed of.
 *
 * The status must be 200. Redirects are failures: keys come from the place that the configuration names, not from
 * where that may point one day.
 */
export async function fetchDocument(url: string, limits: FetchLimits): Promise<Uint8Array> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await fetchOnce(url, limits);
    } catch (cause) {
      if (attempt >= limits.attempts) throw new Error(`GET ${url}: ${reasonOf(cause)}`, { cause });
    }
  }
}

async function fetchOnce(url: string, { timeoutMs, maxBytes }: FetchLimits): Promise<Uint8Array> {
  const response = await fetch(url, {
    redirect: "manual",
    headers: { accept: "application/jwk-set+json, application/json" },
    signal: AbortSignal.timeout(timeoutMs),
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    const isRedirect = response.status >= 300 && response.status < 400;
    throw new Error(`status ${response.status}${isRedirect ? ", and redirects are not followed" : ""}`);
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > maxBytes) throw new Error(`longer than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** fetch hides what happened in the cause of its error. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (!(cause instanceof Error)) return error.message;
  return cause.message === "" && "code" in cause ? String(cause.code) : cause.message;
}
