import { writeFileSync } from "node:fs";
import { renderConfigDocs } from "./config-docs.ts";

// Run after every change of an option; a test compares the file with the schema.
writeFileSync(new URL("../docs/configuration.md", import.meta.url), await renderConfigDocs());
