import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { HttpApp } from "../http/http-app.ts";

type RequestListener = (request: IncomingMessage, response: ServerResponse) => void;
type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/**
 * Serves our paths on an HTTP server of the host process, in front of what it serves itself.
 *
 * Its own listeners see every other request as before. Disposing gives them back everything.
 */
export function attachHttpApp(app: HttpApp, server: Server): Disposable {
  const restoreRequests = takeOver<RequestListener>(server, "request", (others) => (request, response) => {
    if (app.serves(request)) app.handle(request, response);
    else for (const other of others) other.call(server, request, response);
  });
  const restoreUpgrades = takeOver<UpgradeListener>(
    server,
    "upgrade",
    (others) => (request, socket, head) => {
      if (app.serves(request)) app.upgrade(request, socket, head);
      else if (others.length === 0) socket.destroy();
      else for (const other of others) other.call(server, request, socket, head);
    },
  );
  return {
    [Symbol.dispose]() {
      restoreRequests();
      restoreUpgrades();
    },
  };
}

/** Puts one listener in the place of all the present ones; returns how to undo it. */
function takeOver<Listener extends (...args: never[]) => void>(
  server: Server,
  event: "request" | "upgrade",
  wrap: (others: readonly Listener[]) => Listener,
): () => void {
  // The event's listeners have its listener type; EventEmitter does not say so.
  const others = server.listeners(event) as unknown as Listener[];
  const ours = wrap(others);
  server.removeAllListeners(event);
  server.on(event, ours);
  return () => {
    server.off(event, ours);
    for (const other of others) server.on(event, other);
  };
}
