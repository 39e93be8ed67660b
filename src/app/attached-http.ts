import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { HttpApp, UpgradeDecider } from "../http/http-app.ts";

/** What Node calls for a request or an upgrade: the same request, then the ways to answer it. */
type Listener = (request: IncomingMessage, ...rest: unknown[]) => void;

/**
 * Serves our paths on an HTTP server of the host process, in front of what it serves itself.
 *
 * Its own listeners see every other request as before. Disposing gives them back everything.
 */
export function attachHttpApp(app: HttpApp, server: Server): Disposable {
  const undo = new DisposableStack();
  const takesUpgrade = (request: IncomingMessage): boolean => app.takesUpgrade(request);
  undo.use(
    putInFront(
      server,
      "request",
      (request) => app.serves(request),
      (request, response) => {
        // Node's types do not carry an event's arguments through `listeners`.
        app.handle(request, response as ServerResponse);
      },
    ),
  );
  // Before our listener: whether the host takes upgrades shows in its own ones.
  undo.use(decideUpgradesFirst(server, app));
  undo.use(
    putInFront(server, "upgrade", takesUpgrade, (request, socket, head) => {
      app.upgrade(request, socket as Duplex, head as Buffer);
    }),
  );
  return undo;
}

function putInFront(
  server: Server,
  event: "request" | "upgrade",
  isOurs: (request: IncomingMessage) => boolean,
  serve: Listener,
): Disposable {
  // Node's types do not say what the listeners of an event take.
  const others = server.listeners(event) as Listener[];
  const ours: Listener = (request, ...rest) => {
    if (isOurs(request)) serve(request, ...rest);
    else for (const other of others) other.call(server, request, ...rest);
  };
  server.removeAllListeners(event);
  server.on(event, ours);
  return {
    [Symbol.dispose]() {
      server.off(event, ours);
      for (const other of others) server.on(event, other);
    },
  };
}

/**
 * Has Node hand us the upgrades that are ours, and treat the others as it did before.
 *
 * A server without listeners for upgrades answers them like any request; with ours alone it would not, and
 * they would hang.
 */
function decideUpgradesFirst(server: Server & UpgradeDecider, app: HttpApp): Disposable {
  const decide = server.shouldUpgradeCallback;
  const hostTakesUpgrades = server.listenerCount("upgrade") > 0;
  server.shouldUpgradeCallback = (request) =>
    app.takesUpgrade(request) ||
    (!app.serves(request) && hostTakesUpgrades && decide?.call(server, request) !== false);
  return {
    [Symbol.dispose]() {
      if (decide === undefined) delete server.shouldUpgradeCallback;
      else server.shouldUpgradeCallback = decide;
    },
  };
}
