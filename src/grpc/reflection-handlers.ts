import type { DescMethodBiDiStreaming, DescService } from "@bufbuild/protobuf";
import { Code, ConnectError, type MethodImpl } from "@connectrpc/connect";
import { ServerReflection as ServerReflectionV1 } from "../../gen/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as ServerReflectionV1Alpha } from "../../gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { INVALID_REQUEST, ReflectionIndex } from "./reflection.ts";
import { createRpcHandlers, type RpcHandler } from "./rpc-handlers.ts";

/** What a request may have; names are short. */
const MAX_REQUEST_BYTES = 65_536;

/** Serves the schema of services on an HTTP port, by path. Streams end when `closing` aborts. */
export function createReflectionHandlers(
  services: readonly DescService[],
  closing: AbortSignal,
): ReadonlyMap<string, RpcHandler> {
  const index = new ReflectionIndex([...services, ServerReflectionV1, ServerReflectionV1Alpha]);
  const v1 = ServerReflectionV1.method.serverReflectionInfo;
  const answer: MethodImpl<typeof v1> = async function* answer(requests) {
    for await (const request of untilAborted(requests, closing)) {
      const response = index.respond(request);
      if (response === undefined) throw new ConnectError(INVALID_REQUEST, Code.InvalidArgument);
      yield response;
    }
  };
  return createRpcHandlers({
    readMaxBytes: MAX_REQUEST_BYTES,
    routes(router) {
      router.rpc(v1, answer);
      // Its messages are the same on the wire.
      const v1alpha: DescMethodBiDiStreaming = { ...v1, parent: ServerReflectionV1Alpha };
      router.rpc(v1alpha, answer as MethodImpl<DescMethodBiDiStreaming>);
    },
  });
}

async function* untilAborted<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncIterable<T> {
  const { promise: aborted, resolve } = Promise.withResolvers<undefined>();
  const abort = (): void => resolve(undefined);
  signal.addEventListener("abort", abort, { once: true });
  const iterator = source[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), aborted]);
      if (next === undefined || next.done === true) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
