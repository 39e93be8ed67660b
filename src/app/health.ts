import type { Edge } from "../config/edge.ts";
import type { Route } from "../http/http-app.ts";
import { type HealthConfig, healthConfig } from "./process-config.ts";

const BODY = Buffer.from("{}");

/** The probe that tells whether the server is up. */
export const healthEdge: Edge<"health", HealthConfig> = {
  name: "health",
  section: healthConfig,
  role: "probe",
  isEnabled: ({ enabled }) => enabled,
  paths: ({ handler_prefix: path }) => [path],
  devDefaults: () => ({ enabled: true }),
  tryLines: () => [],
};

/** The route that tells whether the server is up; none when it is switched off. */
export function createHealthRoutes(config: HealthConfig): Route[] {
  if (!config.enabled) return [];
  return [
    {
      path: config.handler_prefix,
      handle(_request, response) {
        response.writeHead(200, { "Content-Type": "application/json", "Content-Length": BODY.length });
        response.end(BODY);
      },
    },
  ];
}
