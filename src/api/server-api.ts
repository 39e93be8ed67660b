import type { Message } from "@bufbuild/protobuf";
import type { BatchResponse, Command } from "../../gen/centrifugal/centrifugo/api/api_pb.ts";
import type { ClientError } from "../core/client-error.ts";
import type { Logger } from "../core/logger.ts";
import { ApiCall, type ApiMethod, type CallOrigin } from "./method.ts";
import { runBatch } from "./methods/batch.ts";
import { API_METHODS } from "./methods/table.ts";
import type { ApiNode } from "./ports.ts";

/** What became of a call: the method's result, or why there is none. */
export type Outcome =
  { readonly ok: true; readonly result: Message } | { readonly ok: false; readonly error: ClientError };

/** The server API behind all of its doors. */
export class ServerApi {
  readonly methods: readonly ApiMethod[] = API_METHODS;
  readonly #node: ApiNode;
  readonly #logger: Logger;

  constructor(node: ApiNode, logger: Logger) {
    this.#node = node;
    this.#logger = logger;
  }

  /** True once the node goes down. */
  get isStopping(): boolean {
    return this.#node.isStopping;
  }

  /** Runs a method on a request of its own type. Never rejects. */
  async run(method: ApiMethod, request: Message, origin: CallOrigin): Promise<Outcome> {
    const call = this.#call(method.name, origin);
    try {
      return { ok: true, result: await method.run(call, request) };
    } catch (error) {
      return { ok: false, error: call.explain(error) };
    }
  }

  /** Runs several commands; undefined stands for a command that was `null`. Never rejects. */
  runBatch(
    commands: readonly (Command | undefined)[],
    parallel: boolean,
    origin: CallOrigin,
  ): Promise<BatchResponse> {
    return runBatch(this.#call("batch", origin), commands, parallel);
  }

  #call(method: string, origin: CallOrigin): ApiCall {
    return new ApiCall(this.#node, method, origin, this.#logger);
  }
}
