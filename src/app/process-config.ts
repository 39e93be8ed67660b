import { z } from "zod";
import { duration } from "../config/duration.ts";
import { section, type Section } from "../config/section.ts";

/** How the server ends. */
export interface ShutdownConfig {
  readonly timeout: number;
}

export const shutdownConfig: Section<ShutdownConfig> = section<ShutdownConfig>(
  "How the server ends.",
  {
    timeout: duration("30s").describe(
      "How long connections may take to close after SIGINT or SIGTERM; then the rest are cut and the process exits with status 1.",
    ),
  },
  ({ timeout }, report) => {
    if (timeout < 0) report(["timeout"], "cannot be negative");
  },
);

/** The endpoint that tells whether the server is up. */
export interface HealthConfig {
  readonly enabled: boolean;
  readonly handler_prefix: string;
}

export const healthConfig: Section<HealthConfig> = section<HealthConfig>(
  "The endpoint that tells whether the server is up.",
  {
    enabled: z.boolean().default(false).describe("Serves the endpoint, which answers 200 with `{}`."),
    handler_prefix: z.string().default("/health").describe("Its path."),
  },
);

/** What this node is. */
export interface NodeConfig {
  readonly name: string;
  /** A number, or "auto". */
  readonly workers: string;
}

export const nodeConfig: Section<NodeConfig> = section<NodeConfig>("What this node is.", {
  name: z
    .string()
    .default("")
    .describe("Name in the server API's `info`; empty for the host name and port.")
    .meta({ formerly: ["name"] }),
  workers: z
    .string()
    .regex(/^(auto|[1-9]\d?)$/u, "must be `auto` or a number from 1 to 99")
    .default("1")
    .describe(
      "Processes that share the connections, for more than one CPU core; `auto` for one on each core. To clients and the server API they are one node. With 1, everything is in a single process.",
    ),
});
