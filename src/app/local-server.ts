import { openPorts } from "./ports.ts";
import { LocalPusherEvents } from "./pusher.ts";
import { followReload } from "./reload.ts";
import type { ServerOptions, ServerRun } from "./server.ts";
import { ServingNode } from "./serving-node.ts";

/** Runs a server in this process alone. Rejects, with nothing left open, where it cannot. */
export async function openLocalServer(options: ServerOptions): Promise<ServerRun> {
  const { config, logger, attachTo, isDev = false } = options;
  await using opening = new AsyncDisposableStack();
  const ports = opening.use(await openPorts(config));
  const serving = await ServingNode.assemble(config, logger, {
    ports,
    connectPusher: (parts) => new LocalPusherEvents(parts),
    isDev,
  });
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
    reload: (next) => serving.reload(followReload(config, next)),
    async stop() {
      await closing.disposeAsync();
      return isClean;
    },
  };
}
