import { openSockets } from "./bare-sockets.ts";
import { serveFanOut } from "./fan-out-host.ts";

/** A PING without payload (RFC 6455 §5.5.2). */
const PING = Buffer.from([0x89, 0]);
/** Pings go out in slices, one a second at the usual interval. */
const SLICES = 25;

/** The least that idle WebSockets can cost: `ws` reads the pongs, and one timer for all writes the pings. */
async function start(): Promise<number> {
  const intervalMs = Number(process.argv[2]);
  const { port, sockets } = await openSockets("uni_websocket");
  let slice = 0;
  setInterval(() => {
    slice = (slice + 1) % SLICES;
    let at = 0;
    for (const socket of sockets) if (at++ % SLICES === slice) socket.write(PING);
  }, intervalMs / SLICES);
  return port;
}

const nothing = (): void => undefined;

serveFanOut({ start, prepare: nothing, publish: nothing });
