import { ConfigError } from "../../config/config-error.ts";
import type { Environment } from "../../config/env-layer.ts";
import { formatOf, parseDocumentText } from "../../config/file-format.ts";
import type { Tree } from "../../config/tree.ts";
import { ImportLog } from "./foreign-tree.ts";
import { isEnvironmentFile, readReverbEnvironment } from "./reverb-env.ts";
import { findReverb, importReverb } from "./reverb.ts";
import { fillInVariables, importSockudo } from "./sockudo.ts";
import { importSoketi, unfoldSoketi } from "./soketi.ts";

/** Servers whose configuration can be taken over. */
export const IMPORT_SOURCES = ["soketi", "sockudo", "reverb"] as const;

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
  if (from === "reverb" && isEnvironmentFile(file)) return importReverbEnvironment(text);
  if (from === "reverb" && file.endsWith(".php")) throw new ConfigError([{ path: "", message: PHP_ADVICE }]);
  const content = from === "sockudo" ? fillInVariables(text, env) : text;
  const { tree, spell } = parseDocumentText(content, formatOf(file), file);
  const log = new ImportLog(spell);
  const [written, importTree] = {
    soketi: () => [unfoldSoketi(tree), importSoketi] as const,
    sockudo: () => [tree, importSockudo] as const,
    reverb: () => [findReverb(tree), importReverb] as const,
  }[from]();
  return { tree: importTree(written, log), notes: log.finish(written) };
}

const PHP_ADVICE =
  "PHP is a program. Have Laravel print what it comes to, and import that: " +
  `php artisan tinker --execute 'echo json_encode(config("reverb"));' > reverb.json`;

function importReverbEnvironment(text: string): ImportedConfig {
  const { tree, unknown } = readReverbEnvironment(text);
  const log = new ImportLog(String);
  const imported = importReverb(tree, log);
  const notes = log.finish(tree).concat(unknown.map((name) => `not taken over: ${name}`));
  return { tree: imported, notes: [ENVIRONMENT_NOTE, ...notes] };
}

const ENVIRONMENT_NOTE =
  "an environment has one app; what config/reverb.php says itself (further apps, allowed origins, TLS) is not in it";
