import { expect } from "vitest";
import { type Config, parseConfig } from "../../../src/app/config.ts";
import { CliBench } from "./fake-io.ts";

/** What `import-config` makes of a file. */
export interface Import {
  readonly status: number;
  readonly config: Config;
  readonly notes: readonly string[];
}

/** What is printed for a file, as the server reads it: JSON of an object, or the text of a file with a name. */
export async function importFrom(
  from: string,
  content: object | string,
  env: Record<string, string> = {},
  file = "theirs.json",
): Promise<Import> {
  using bench = new CliBench();
  Object.assign(bench.env, env);
  bench.write(file, typeof content === "string" ? content : JSON.stringify(content));
  const { status, stdout, stderr } = await bench.run("import-config", "--from", from, file);
  const { config, unknownKeys } = parseConfig(JSON.parse(stdout));
  expect(unknownKeys).toEqual([]);
  const notes = stderr.split("\n").filter((line) => line !== "");
  return { status, config, notes: notes.map((line) => line.replace(/^note: /u, "")) };
}
