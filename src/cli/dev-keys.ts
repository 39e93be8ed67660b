import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { z } from "zod";
import { createDevKeys, type DevKeys } from "../app/dev-config.ts";
import type { Environment } from "../config/env-layer.ts";

/** The keys of the development server, and where they are kept. */
export interface KeptDevKeys {
  readonly keys: DevKeys;
  /** Undefined where they cannot be kept and are for one run only. */
  readonly path: string | undefined;
}

const schema: z.ZodType<DevKeys> = z.object({
  tokenSecret: z.string().min(1),
  apiKey: z.string().min(1),
  pusherSecret: z.string().min(1),
});

/**
 * The keys of this user's development servers: those of the first one, which it keeps in a file that nobody else may
 * read. So commands beside a running server know them, and what was made with them is good after a restart.
 */
export function keepDevKeys(env: Environment): KeptDevKeys {
  const path = pathOf(env);
  const kept = findDevKeys(env);
  if (kept !== undefined) return kept;
  const keys = createDevKeys();
  if (path === undefined || !tryToWrite(path, keys)) return { keys, path: undefined };
  // Another server may have been faster.
  return findDevKeys(env) ?? { keys, path: undefined };
}

/** The kept keys; undefined where there are none that can be read. */
export function findDevKeys(env: Environment): KeptDevKeys | undefined {
  const path = pathOf(env);
  const keys = path === undefined ? undefined : readKeys(path);
  return keys === undefined ? undefined : { keys, path };
}

/** Under the directory for what programs remember between runs (XDG Base Directory), on Windows its counterpart. */
function pathOf(env: Environment): string | undefined {
  const { HOME: home, XDG_STATE_HOME: state, LOCALAPPDATA: windows } = env;
  const base = state || windows || (home ? join(home, ".local", "state") : undefined);
  return base === undefined ? undefined : join(base, "millrace", "dev-keys.json");
}

function readKeys(path: string): DevKeys | undefined {
  try {
    return schema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    // Whatever is wrong with it, new keys are as good.
    return undefined;
  }
}

/** False where there is nowhere to write to. */
function tryToWrite(path: string, keys: DevKeys): boolean {
  const draft = `${path}.${process.pid}`;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(draft, `${JSON.stringify(keys, undefined, 2)}\n`, { mode: 0o600 });
    putInPlace(draft, path);
    return true;
  } catch {
    return false;
  }
}

/** Gives a file its name; another file stays where it is, unless it is damaged. */
function putInPlace(draft: string, path: string): void {
  try {
    linkSync(draft, path);
  } catch {
    if (readKeys(path) === undefined) renameSync(draft, path);
  } finally {
    rmSync(draft, { force: true });
  }
}
