import type { Config } from "../../src/app/config.ts";
import type { Outline } from "../../src/config/outline.ts";

/** Places in the code that have read reloadable options of a configuration, by option. */
export type ConfigReads = ReadonlyMap<string, ReadonlySet<string>>;

/** A configuration that keeps an account of who reads its reloadable options. */
export interface WatchedConfig {
  readonly config: Config;
  readonly reads: ConfigReads;
}

export function watchConfig(config: Config, outline: Outline): WatchedConfig {
  const reads = new Map<string, Set<string>>();
  const note = (path: string): void => {
    const sites = reads.get(path) ?? new Set();
    reads.set(path, sites.add(readingSite()));
  };
  // It has the members of the configuration that it is made of.
  return { config: watch(config, outline, "", note) as Config, reads };
}

function watch(value: unknown, outline: Outline, path: string, note: (path: string) => void): unknown {
  if (outline.type === "list" && Array.isArray(value)) {
    return value.map((entry: unknown) => watch(entry, outline.entry, `${path}[]`, note));
  }
  if (outline.type !== "section" || typeof value !== "object" || value === null) return value;
  const watched = {};
  for (const [key, member] of outline.members) {
    const memberPath = path === "" ? key : `${path}.${key}`;
    const content = watch(Reflect.get(value, key), member, memberPath, note);
    const get = (): unknown => {
      if (member.isReloadable && member.type !== "section") note(memberPath);
      return content;
    };
    Object.defineProperty(watched, key, { get, enumerable: true });
  }
  return watched;
}

/** The line of the server's code that is reading: `src/app/node.ts:43:5`. */
function readingSite(): string {
  const line = (new Error().stack ?? "").split("\n").find((frame) => frame.includes("/src/"));
  return line?.slice(line.indexOf("/src/") + 1).replace(/\)$/u, "") ?? "elsewhere";
}
