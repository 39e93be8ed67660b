import type { ServerResponse } from "node:http";
import { type ContextKey, createContextKey, type HandlerContext } from "@connectrpc/connect";
import type { ServerUnaryCall } from "@grpc/grpc-js";
import { peerAddressOf } from "../http/client-address.ts";
import { isGone } from "../lib/http2-peer.ts";
import type { ApiCaller } from "./api-key.ts";
import type { CallOrigin } from "./method.ts";

/** How long a call may take whose caller does not say (docs/protocols/server-api.md §3.5). */
const DEFAULT_TIMEOUT_MS = 10_000;
/** What a timer can wait for. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** A call in JSON over HTTP. */
export class JsonOrigin implements CallOrigin {
  readonly protocol = "http";
  readonly bytesAreJson = true;
  readonly caller: ApiCaller;
  readonly #response: ServerResponse;

  constructor(response: ServerResponse, caller: ApiCaller) {
    this.#response = response;
    this.caller = caller;
  }

  get address(): string {
    return peerAddressOf(this.#response.req);
  }

  signal(): AbortSignal {
    return responseSignal(this.#response, DEFAULT_TIMEOUT_MS);
  }
}

/** A unary call of the Connect protocol, of which we make the answer ourselves. */
export class ConnectUnaryOrigin implements CallOrigin {
  readonly protocol = "connect";
  readonly bytesAreJson = false;
  readonly caller: ApiCaller;
  readonly #response: ServerResponse;
  readonly #timeoutMs: number | undefined;

  /** `timeoutMs` is the caller's own deadline. */
  constructor(response: ServerResponse, caller: ApiCaller, timeoutMs: number | undefined) {
    this.#response = response;
    this.caller = caller;
    this.#timeoutMs = timeoutMs;
  }

  get address(): string {
    return peerAddressOf(this.#response.req);
  }

  signal(): AbortSignal {
    return responseSignal(this.#response, Math.min(this.#timeoutMs ?? DEFAULT_TIMEOUT_MS, MAX_TIMEOUT_MS));
  }
}

/** Network address of the caller. */
export const callerAddress: ContextKey<string> = createContextKey("");

/** A call through connect-node, whose signal knows the caller's own deadline. */
export class ConnectOrigin implements CallOrigin {
  readonly protocol = "connect";
  readonly bytesAreJson = false;
  readonly caller: ApiCaller;
  readonly #context: HandlerContext;

  constructor(context: HandlerContext, caller: ApiCaller) {
    this.#context = context;
    this.caller = caller;
  }

  get address(): string {
    return this.#context.values.get(callerAddress);
  }

  signal(): AbortSignal {
    const { signal } = this.#context;
    return this.#context.timeoutMs() === undefined
      ? AbortSignal.any([signal, AbortSignal.timeout(DEFAULT_TIMEOUT_MS)])
      : signal;
  }
}

/** A call through grpc-js. */
export class GrpcOrigin implements CallOrigin {
  readonly protocol = "grpc";
  readonly bytesAreJson = false;
  readonly caller: ApiCaller;
  readonly #call: ServerUnaryCall<unknown, unknown>;

  constructor(call: ServerUnaryCall<unknown, unknown>, caller: ApiCaller) {
    this.#call = call;
    this.caller = caller;
  }

  get address(): string {
    return grpcPeerAddress(this.#call);
  }

  signal(): AbortSignal {
    const controller = new AbortController();
    if (this.#call.cancelled) controller.abort();
    else this.#call.once("cancelled", () => controller.abort());
    return AbortSignal.any([controller.signal, AbortSignal.timeout(timeLeftMs(this.#call))]);
  }
}

/** Network address of a call's peer, which grpc-js tells with the port. */
export function grpcPeerAddress(call: Pick<ServerUnaryCall<unknown, unknown>, "getPeer">): string {
  const peer = call.getPeer();
  return peer.slice(0, Math.max(0, peer.lastIndexOf(":")));
}

function responseSignal(response: ServerResponse, timeoutMs: number): AbortSignal {
  const controller = new AbortController();
  if (isGone(response)) controller.abort();
  else response.once("close", () => controller.abort());
  return AbortSignal.any([controller.signal, AbortSignal.timeout(timeoutMs)]);
}

function timeLeftMs(call: ServerUnaryCall<unknown, unknown>): number {
  const deadlineMs = Number(call.getDeadline());
  if (!Number.isFinite(deadlineMs)) return DEFAULT_TIMEOUT_MS;
  return Math.min(Math.max(0, Math.ceil(deadlineMs - Date.now())), MAX_TIMEOUT_MS);
}
