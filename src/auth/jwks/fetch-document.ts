import { describeStatus, type HttpLimits, sendRequest } from "../../lib/http-client.ts";

/** What a download may cost. */
export interface FetchLimits extends HttpLimits {
  /** Attempts, back to back. At least 1. */
  readonly attempts: number;
}

/** Downloads a document with GET; rejects with an Error that names the URL and what the last attempt failed of. */
export async function fetchDocument(url: string, limits: FetchLimits): Promise<Uint8Array> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await fetchOnce(new URL(url), limits);
    } catch (error) {
      if (attempt >= limits.attempts) throw error;
    }
  }
}

async function fetchOnce(url: URL, limits: HttpLimits): Promise<Uint8Array> {
  const headers = { accept: "application/jwk-set+json, application/json" };
  const { status, body } = await sendRequest({ method: "GET", url, headers, wantsBody: true }, limits);
  if (status !== 200) throw new Error(`GET ${url.href}: ${describeStatus(status)}`);
  return body;
}
