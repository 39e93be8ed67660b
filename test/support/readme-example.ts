import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Command, ROOT } from "./command.ts";

/** The README's example of a server in one's own process. */
export interface ReadmeExample {
  readonly server: string;
  /** The line that listens to it. */
  readonly listen: string;
}

/** What curl ends with where nobody listens yet. */
const REFUSED = 7;

/** Reads the example; it listens at a port of its own in place of 8000. */
export function readmeExample(port: number): ReadmeExample {
  const text = readFileSync(join(ROOT, "README.md"), "utf8");
  const found = /```js\n(import \{ createServer \} from "millrace";\n.*?)```\s+```sh\n(.*?)```/su.exec(text);
  const [, server, listen] = found ?? [];
  if (server === undefined || listen === undefined) throw new Error("README.md has no such example");
  return { server, listen: listen.replace("localhost:8000", `localhost:${port}`) };
}

/**
 * Runs the line that listens while the server starts, or has; resolves to what it has printed once there is a publication
 * of the example.
 */
export async function hearReadmeExample({ listen }: ReadmeExample, server: Command): Promise<string> {
  const isHeard = (client: Command): boolean => client.stdout.includes('"pub":{"data":{"text":"hello"');
  for (;;) {
    await using client = new Command("bash", ["-c", listen]);
    await client.until(() => isHeard(client) || client.hasEnded, "publication");
    if (isHeard(client)) return client.stdout;
    const { status } = await client.untilEnd();
    if (status !== REFUSED || server.hasEnded) throw new Error(`${client.stderr}\n${server.stderr}`);
    await delay(100);
  }
}
