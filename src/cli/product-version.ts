import { readFileSync } from "node:fs";

/** Version of this package; "0.0.0" when its manifest cannot be found. */
export function readProductVersion(): string {
  // From src/cli/ the manifest is two folders up, from dist/src/cli/ three.
  for (const place of ["../../package.json", "../../../package.json"]) {
    const version = readManifestVersion(new URL(place, import.meta.url));
    if (version !== undefined) return version;
  }
  return "0.0.0";
}

function readManifestVersion(url: URL): string | undefined {
  try {
    const manifest: unknown = JSON.parse(readFileSync(url, "utf8"));
    const isOurs = typeof manifest === "object" && manifest !== null && "version" in manifest;
    return isOurs && typeof manifest.version === "string" ? manifest.version : undefined;
  } catch {
    // Not there: the other place is tried next.
    return undefined;
  }
}
