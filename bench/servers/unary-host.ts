import { serveCalls } from "../process/host.ts";
import type { Door } from "../wire/publish-request.ts";

/** The driver's view of a server that answers requests. */
export interface UnaryMethods {
  /** Listens on a free port of the loopback address; resolves to the port. */
  start(door: Door): Promise<number>;
}

/** Offers a server to the driver. */
export function serveUnary(start: UnaryMethods["start"]): void {
  serveCalls<UnaryMethods>({ start });
}
