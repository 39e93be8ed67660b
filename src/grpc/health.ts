import { create } from "@bufbuild/protobuf";
import { type handleServerStreamingCall, type handleUnaryCall, status } from "@grpc/grpc-js";
import {
  type HealthCheckRequest,
  type HealthCheckResponse,
  HealthCheckResponse_ServingStatus as ServingStatus,
  HealthCheckResponseSchema,
  type HealthListRequest,
  type HealthListResponse,
  HealthListResponseSchema,
} from "../../gen/grpc/health/v1/health_pb.ts";

/** The methods of grpc.health.v1.Health. */
export interface HealthHandlers {
  readonly check: handleUnaryCall<HealthCheckRequest, HealthCheckResponse>;
  readonly list: handleUnaryCall<HealthListRequest, HealthListResponse>;
  readonly watch: handleServerStreamingCall<HealthCheckRequest, HealthCheckResponse>;
}

/**
 * The standard health service: every named service and the server as a whole ("") serve until `closing`
 * aborts. Watchers are told, and their streams end with UNAVAILABLE so that they do not hold up the server.
 */
export function createHealthHandlers(serviceNames: readonly string[], closing: AbortSignal): HealthHandlers {
  const known = new Set(["", ...serviceNames]);
  const answer = (): HealthCheckResponse =>
    create(HealthCheckResponseSchema, {
      status: closing.aborted ? ServingStatus.NOT_SERVING : ServingStatus.SERVING,
    });
  return {
    check({ request }, callback) {
      if (known.has(request.service)) callback(null, answer());
      else callback({ code: status.NOT_FOUND, details: "unknown service" });
    },
    list(_call, callback) {
      const statuses = Object.fromEntries([...known].map((name) => [name, answer()]));
      callback(null, create(HealthListResponseSchema, { statuses }));
    },
    watch(call) {
      const isKnown = known.has(call.request.service);
      const end = (): void => {
        if (isKnown) call.write(answer());
        call.emit("error", { code: status.UNAVAILABLE, details: "server is shutting down" });
      };
      closing.addEventListener("abort", end, { once: true });
      call.once("close", () => closing.removeEventListener("abort", end));
      // An unknown service may become known (of another process behind the same name), so its stream stays.
      call.write(
        isKnown ? answer() : create(HealthCheckResponseSchema, { status: ServingStatus.SERVICE_UNKNOWN }),
      );
    },
  };
}
