import { openLocalPorts } from "./ports.ts";
import { type ConnectPusher, LocalPusherEvents } from "./pusher.ts";
import type { ServerOptions, ServerRun } from "./server.ts";
import { ServingNode } from "./serving-node.ts";

/** Runs a server in this process alone. Rejects, with nothing left open, where it cannot. */
export async function openLocalServer(options: ServerOptions): Promise<ServerRun> {
  const { config, logger, attachTo, isDev = false } = options;
  await using opening = new AsyncDisposableStack();
  const ports = await openLocalPorts(config);
  // Last of all: calls write to it as long as there are any.
  opening.defer(() => ports.records.store.close());
  const connectPusher: ConnectPusher = (parts) => new LocalPusherEvents(parts);
  const serving = await ServingNode.assemble(config, logger, { ports, connectPusher, isDev });
  let isClean = true;
  opening.defer(async () => {
    const deadline = AbortSignal.timeout(config.shutdown.timeout);
    await serving.stop(deadline);
    isClean = !deadline.aborted;
  });
  const addresses = await serving.start(attachTo);
  const closing = opening.move();
  return {
    node: serving.node,
    addresses,
    reload: (next) => serving.reload(next),
    async stop() {
      await closing.disposeAsync();
      return isClean;
    },
  };
}
