import type { EventEmitter } from "node:events";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { HttpApp } from "../http/http-app.ts";

/** What Node calls for a request or an upgrade: the same request, then the ways to answer it. */
type Listener = (request: IncomingMessage, ...rest: unknown[]) => void;

/**
 * Serves our paths on an HTTP server of the host process, in front of what it serves itself.
 *
 * Its own listeners see every other request as before. Disposing gives them back everything.
 */
export function attachHttpApp(app: HttpApp, server: Server): Disposable {
  const undo = new DisposableStack();
  undo.use(
    putInFront(server, "request", (request, response) => {
      // Node's types do not carry an event's arguments through `listeners`.
      app.handle(request, response as ServerResponse);
    }),
  );
  undo.use(
    putInFront(server, "upgrade", (request, socket, head) => {
      app.upgrade(request, socket as Duplex, head as Buffer);
    }),
  );
  return undo;

  function putInFront(emitter: EventEmitter, event: string, serve: Listener): Disposable {
    // Node's types do not say what the listeners of an event take.
    const others = emitter.listeners(event) as Listener[];
    const ours: Listener = (request, ...rest) => {
      if (app.serves(request)) serve(request, ...rest);
      else for (const other of others) other.call(emitter, request, ...rest);
    };
    emitter.removeAllListeners(event);
    emitter.on(event, ours);
    return {
      [Symbol.dispose]() {
        emitter.off(event, ours);
        for (const other of others) emitter.on(event, other);
      },
    };
  }
}
