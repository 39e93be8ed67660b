import type { Route } from "../../http/route.ts";
import type { HttpDoorOptions } from "../http-door.ts";
import type { ServerApi } from "../server-api.ts";
import { createLegacyHandler } from "./legacy-endpoint.ts";
import { createBatchHandler, createMethodHandler } from "./method-endpoint.ts";

const TRAILING_SLASHES = /\/+$/;

/**
 * The JSON door (docs/protocols/server-api.md §1): a path for each method below the prefix, and the legacy requests at
 * the prefix itself. With an empty prefix these are at `/` and whatever no other path serves.
 */
export function createJsonRoutes(api: ServerApi, prefix: string, options: HttpDoorOptions): Route[] {
  const base = prefix.replace(TRAILING_SLASHES, "");
  const legacy = createLegacyHandler(api, options);
  return [
    ...api.methods.map((method) => ({
      path: `${base}/${method.name}`,
      handle: createMethodHandler(api, method, options),
    })),
    { path: `${base}/batch`, handle: createBatchHandler(api, options) },
    base === "" ? { path: "/", prefix: true, handle: legacy } : { path: base, handle: legacy },
  ];
}
