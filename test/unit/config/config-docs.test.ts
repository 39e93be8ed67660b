import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { renderConfigDocs } from "../../../scripts/config-docs.ts";

test("docs/configuration.md is what the schema says; `node scripts/generate-config-docs.ts` writes it", async () => {
  const file = new URL("../../../docs/configuration.md", import.meta.url);
  expect(readFileSync(file, "utf8")).toBe(await renderConfigDocs());
});
