import { once } from "node:events";
import { rmSync, mkdtempSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CreatePair } from "./worker-cluster.ts";

/** Two ends of a Unix socket, as processes have them. */
export const unixSockets: CreatePair = async () => {
  const directory = mkdtempSync(join(tmpdir(), "millrace-link-"));
  const path = join(directory, "link");
  const server = createServer().listen(path);
  await once(server, "listening");
  const far = connect(path);
  const accepted = once(server, "connection");
  await once(far, "connect");
  // Node hands a connection to the listeners of its server.
  const [near] = (await accepted) as [Socket];
  server.close();
  rmSync(directory, { recursive: true });
  return [near, far];
};
