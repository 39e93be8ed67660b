import { create, type DescMethod, type DescMethodUnary, type Message } from "@bufbuild/protobuf";
import { type BatchRequest, CentrifugoApi } from "../../gen/centrifugal/centrifugo/api/api_pb.ts";
import type { ClientError } from "../core/client-error.ts";
import type { ApiMethod, CallOrigin } from "./method.ts";
import type { ServerApi } from "./server-api.ts";

/** What an rpc is answered with. */
export interface RpcAnswer {
  /** The response message, which tells of an error as well. */
  readonly response: Message;
  /** The error that the response tells of, for doors that report it in their own way. */
  readonly error: ClientError | undefined;
}

/** One rpc of the service, for the doors that speak protobuf. */
export interface Rpc {
  readonly desc: DescMethodUnary;
  /** The response that says nothing, always the same message; undefined where there is always something to say. */
  readonly empty: Message | undefined;
  /** Answers a request of the rpc's own type. Never rejects. */
  answer(request: Message, origin: CallOrigin): Promise<RpcAnswer>;
}

/** The rpcs that are implemented. */
export function implementedRpcs(api: ServerApi): ReadonlyMap<DescMethod, Rpc> {
  const rpcs = [...api.methods.map((method) => methodRpc(api, method)), batchRpc(api)];
  return new Map(rpcs.map((rpc) => [rpc.desc, rpc]));
}

function methodRpc(api: ServerApi, method: ApiMethod): Rpc {
  const desc = method.rpc;
  const answerOf = (result: Message): RpcAnswer => ({
    response: create(desc.output, { result }),
    error: undefined,
  });
  const emptyAnswer = answerOf(method.empty);
  return {
    desc,
    empty: emptyAnswer.response,
    async answer(request, origin) {
      const outcome = await api.run(method, request, origin);
      if (outcome.ok) return outcome.result === method.empty ? emptyAnswer : answerOf(outcome.result);
      const { error } = outcome;
      return {
        response: create(desc.output, { error: { code: error.code, message: error.message } }),
        error,
      };
    },
  };
}

/** Its response has no result, and errors are those of its commands. */
function batchRpc(api: ServerApi): Rpc {
  return {
    desc: CentrifugoApi.method.batch,
    empty: undefined,
    async answer(request, origin) {
      // Doors hand an rpc requests of its own type only.
      const { commands, parallel } = request as BatchRequest;
      return { response: await api.runBatch(commands, parallel, origin), error: undefined };
    },
  };
}
