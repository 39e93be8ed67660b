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

type Kind = "text" | "a number" | "true or false" | "an object" | "a date";

const KINDS: Readonly<Record<Kind, (value: unknown) => boolean>> = {
  text: (value) => typeof value === "string",
  "a number": (value) => typeof value === "number" && !Number.isNaN(value),
  "true or false": (value) => typeof value === "boolean",
  "an object": (value) => typeof value === "object" && value !== null,
  "a date": (value) => value instanceof Date && !Number.isNaN(value.getTime()),
};

/** Throws for arguments of another kind, naming it: in plain JavaScript, only something far below would complain. */
export function checkKind(of: string, kind: Kind, values: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(values)) {
    if (KINDS[kind](value)) continue;
    const got = value === null || Number.isNaN(value) ? String(value) : typeof value;
    throw new TypeError(`${of}: ${name}: expected ${kind}, got ${got}`);
  }
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
