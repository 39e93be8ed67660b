import { serveCalls } from "../process/host.ts";
import { IdleClient } from "./idle-client.ts";

const OPENING_CONCURRENCY = 64;

/** The driver's view of WebSockets that have nothing to do. */
export interface IdleMethods {
  /** Connects so many, one group per process. */
  open(options: { readonly port: number; readonly connections: number }): Promise<void>;
  /** How many PING frames all of them have answered so far. */
  pings(): Promise<number>;
}

const clients: IdleClient[] = [];

serveCalls<IdleMethods>({
  async open({ port, connections }) {
    const openNext = async (): Promise<void> => {
      while (clients.length < connections) {
        const client = new IdleClient(port);
        clients.push(client);
        // As many at a time as there are loops.
        await client.opened;
      }
    };
    await Promise.all(Array.from({ length: OPENING_CONCURRENCY }, openNext));
  },
  pings: async () => clients.reduce((sum, client) => sum + client.pings, 0),
});
