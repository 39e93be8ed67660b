import type { Ambient } from "../core/ambient.ts";
import { measureEventLoop } from "../telemetry/event-loop.ts";
import { openPorts } from "./ports.ts";
import { LocalPusherEvents } from "./pusher.ts";
import { followReload } from "./reload.ts";
import type { ServerOptions, ServerRun } from "./server.ts";
import { ServingNode } from "./serving-node.ts";

/** What a server of one process is made of. */
export interface LocalServerOptions extends Pick<ServerOptions, "config" | "attachTo" | "isDev"> {
  readonly ambient: Ambient;
}

/** Runs a server in this process alone. Rejects, with nothing left open, where it cannot. */
export async function openLocalServer(options: LocalServerOptions): Promise<ServerRun> {
  const { config, ambient, attachTo, isDev = false } = options;
  await using opening = new AsyncDisposableStack();
  opening.use(measureEventLoop(ambient.metrics, ambient.clock));
  const ports = opening.use(await openPorts(config));
  const serving = await ServingNode.assemble(config, ambient, {
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
