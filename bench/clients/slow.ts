import { connect, type Socket } from "node:net";
import { serveCalls } from "../process/host.ts";
import { OPENING_MARK, webSocketOpening } from "../wire/opening.ts";
import { CHANNEL, floodChannel, LOOPBACK, pathOf } from "../wire/transport.ts";

/** The driver's view of WebSockets that subscribe and then never read again. */
export interface SlowClientMethods {
  open(options: { readonly port: number; readonly clients: number }): Promise<void>;
  close(): Promise<void>;
}

let sockets: Socket[] = [];

serveCalls<SlowClientMethods>({
  async open({ port, clients }) {
    sockets = await Promise.all(Array.from({ length: clients }, async (_, client) => openSlow(port, client)));
  },
  async close() {
    for (const socket of sockets) socket.destroy();
    sockets = [];
  },
});

/** Subscribes to the channel of all and one of its own, and stops reading. */
async function openSlow(port: number, client: number): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = connect({ host: LOOPBACK, port, noDelay: true });
  let opening = Buffer.alloc(0);
  socket.on("data", (bytes: Buffer) => {
    opening = Buffer.concat([opening, bytes]);
    if (!opening.includes(OPENING_MARK)) return;
    socket.pause();
    resolve(socket);
  });
  socket.on("error", reject);
  socket.write(
    webSocketOpening(
      pathOf("uni_websocket"),
      JSON.stringify({ subs: { [CHANNEL]: {}, [floodChannel(client)]: {} } }),
    ),
  );
  return promise;
}
