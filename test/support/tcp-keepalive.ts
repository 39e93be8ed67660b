import { existsSync, readFileSync } from "node:fs";
import type { Socket } from "node:net";

/** Where Linux shows its TCP sockets. */
const TABLES = ["/proc/net/tcp", "/proc/net/tcp6"];
/** What its timer column begins with where the next thing to happen is a keepalive probe. */
const KEEPALIVE_TIMER = "02:";

/** Whether it can be told here who sends keepalive probes. */
export const SHOWS_KEEPALIVE: boolean = TABLES.some((table) => existsSync(table));

/** Whether the server's end of an idle connection sends keepalive probes. */
export function probesClient({ localPort, remotePort }: Socket): boolean {
  return TABLES.filter((table) => existsSync(table))
    .flatMap((table) => readFileSync(table, "utf8").split("\n"))
    .map((line) => line.trim().split(/\s+/u))
    .some(
      ([, local = "", remote = "", , , timer = ""]) =>
        portOf(local) === remotePort && portOf(remote) === localPort && timer.startsWith(KEEPALIVE_TIMER),
    );
}

function portOf(address: string): number {
  return Number.parseInt(address.slice(address.indexOf(":") + 1), 16);
}
