import type { Environment } from "../../config/env-layer.ts";
import { formatOf, parseDocumentText } from "../../config/file-format.ts";
import type { Tree } from "../../config/tree.ts";
import { ImportLog } from "./foreign-tree.ts";
import { fillInVariables, importSockudo } from "./sockudo.ts";
import { importSoketi, unfoldSoketi } from "./soketi.ts";

/** Servers whose configuration can be taken over. */
export const IMPORT_SOURCES = ["soketi", "sockudo"] as const;

/** One of them. */
export type ImportSource = (typeof IMPORT_SOURCES)[number];

/** Another server's configuration as one of Millrace. */
export interface ImportedConfig {
  readonly tree: Tree;
  /** What has not been taken over, or means something else here. */
  readonly notes: readonly string[];
}

/** Takes over the text of a configuration file, in the format of its name. Throws ConfigError where it cannot be read. */
export function importConfig(
  from: ImportSource,
  file: string,
  text: string,
  env: Environment,
): ImportedConfig {
  const content = from === "sockudo" ? fillInVariables(text, env) : text;
  const { tree, spell } = parseDocumentText(content, formatOf(file), file);
  const log = new ImportLog(spell);
  if (from === "sockudo") return { tree: importSockudo(tree, log), notes: log.finish(tree) };
  const written = unfoldSoketi(tree);
  return { tree: importSoketi(written, log), notes: log.finish(written) };
}
