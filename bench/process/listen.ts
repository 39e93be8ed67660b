import { once } from "node:events";
import type { Server } from "node:net";
import { LOOPBACK } from "../wire/transport.ts";

/** Has a server listen on a free port of the loopback address; resolves to the port. */
export async function listen(server: Server): Promise<number> {
  server.listen(0, LOOPBACK);
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not listening on TCP");
  return address.port;
}
