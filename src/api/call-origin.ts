import type { ServerResponse } from "node:http";
import type { HandlerContext } from "@connectrpc/connect";
import type { ServerUnaryCall } from "@grpc/grpc-js";
import type { CallOrigin } from "./method.ts";

/** How long a call may take whose caller does not say (server-api §3.6). */
const DEFAULT_TIMEOUT_MS = 10_000;
/** What a timer can wait for. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** A call in JSON over HTTP. */
export function jsonOrigin(response: ServerResponse): CallOrigin {
  return {
    bytesAreJson: true,
    signal: () => {
      const controller = new AbortController();
      if (response.closed) controller.abort();
      else response.once("close", () => controller.abort());
      return AbortSignal.any([controller.signal, AbortSignal.timeout(DEFAULT_TIMEOUT_MS)]);
    },
  };
}

/** A call through Connect, whose signal knows the caller's own deadline. */
export function connectOrigin(context: HandlerContext): CallOrigin {
  return {
    bytesAreJson: false,
    signal: () =>
      context.timeoutMs() === undefined
        ? AbortSignal.any([context.signal, AbortSignal.timeout(DEFAULT_TIMEOUT_MS)])
        : context.signal,
  };
}

/** A call through grpc-js. */
export function grpcOrigin(call: ServerUnaryCall<unknown, unknown>): CallOrigin {
  return {
    bytesAreJson: false,
    signal: () => {
      const controller = new AbortController();
      if (call.cancelled) controller.abort();
      else call.once("cancelled", () => controller.abort());
      return AbortSignal.any([controller.signal, AbortSignal.timeout(timeLeftMs(call))]);
    },
  };
}

function timeLeftMs(call: ServerUnaryCall<unknown, unknown>): number {
  const deadlineMs = Number(call.getDeadline());
  if (!Number.isFinite(deadlineMs)) return DEFAULT_TIMEOUT_MS;
  return Math.min(Math.max(0, Math.ceil(deadlineMs - Date.now())), MAX_TIMEOUT_MS);
}
