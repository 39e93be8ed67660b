import { Server as HttpServer } from "node:http";
import { Server as HttpsServer } from "node:https";
import { findNearestName } from "../config/config-error.ts";

/**
 * Throws for members that an options object cannot have: in plain JavaScript, nobody else tells of a misspelt one. The
 * advice on a name, if there is any, comes before the known name most like it.
 */
export function refuseUnknownOptions(
  of: string,
  options: unknown,
  known: readonly string[],
  advise: (name: string) => string | undefined = () => undefined,
): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`${of}: expected an object of options, got ${String(options)}`);
  }
  const name = Object.keys(options).find((key) => !known.includes(key));
  if (name === undefined) return;
  const nearest = findNearestName(name, known);
  const hint = nearest === undefined ? `there are ${known.join(", ")}` : `did you mean ${nearest}?`;
  throw new TypeError(`${of}: there is no option ${name}: ${advise(name) ?? hint}`);
}

/** Throws where something is no HTTP server that can be served on, saying where one is to be had. */
export function checkHttpServer(option: string, value: unknown): asserts value is HttpServer {
  if (value instanceof HttpServer || value instanceof HttpsServer) return;
  throw new TypeError(
    `${option}: expected an HTTP server of node:http or node:https, got ${adviseOn(value)}`,
  );
}

function adviseOn(value: unknown): string {
  if (typeof value === "function") return "a function: for an app, such as Express's, pass createServer(app)";
  if (typeof value !== "object" || value === null) return String(value);
  for (const member of ["server", "httpServer"]) {
    if (Reflect.get(value, member) instanceof HttpServer) return `an object: pass its .${member}`;
  }
  return "another object";
}
