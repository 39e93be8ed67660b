import type { OpeningHeaders } from "../../src/core/connect-request.ts";

/** Headers as an HTTP request has them; names in lower case. */
export function openingHeaders(
  headers: Readonly<Record<string, string | readonly string[]>> = {},
  kind: OpeningHeaders["kind"] = "http",
): OpeningHeaders {
  return {
    kind,
    names: () => Object.keys(headers),
    valuesOf: (name) => [headers[name] ?? []].flat(),
  };
}
