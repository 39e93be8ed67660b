import { createRequire } from "node:module";

const manifest: unknown = createRequire(import.meta.url)("millrace/package.json");

/** Version of this package. */
export const VERSION: string =
  typeof manifest === "object" && manifest !== null && "version" in manifest
    ? String(manifest.version)
    : "0.0.0";

/** Version and edition as clients see them; the form is that of Centrifugo. */
export const CLIENT_VERSION: string = `${VERSION} OSS`;
