import type { Message } from "@bufbuild/protobuf";
import type { BatchResponse, Command } from "../../gen/centrifugal/centrifugo/api/api_pb.ts";
import { CallCounts } from "../core/call-counts.ts";
import type { ClientError } from "../core/client-error.ts";
import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";
import { type ApiProtocol, BoundBy, type Metrics } from "../core/metrics.ts";
import type { RefusalLog } from "../core/refusal-log.ts";
import { ApiCall, type ApiMethod, type CallContext, type CallOrigin, type Outcome } from "./method.ts";
import { runBatch } from "./methods/batch.ts";
import { API_METHODS } from "./methods/table.ts";

/** What the server API works with. */
export interface ServerApiContext extends CallContext {
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly metrics: Metrics;
}

/** The server API behind all of its doors. */
export class ServerApi {
  readonly methods: readonly ApiMethod[] = API_METHODS;
  readonly #context: ServerApiContext;
  readonly #counts: BoundBy<ApiProtocol, CallCounts>;

  constructor(context: ServerApiContext) {
    this.#context = context;
    this.#counts = new BoundBy((protocol) => new CallCounts(context.metrics, protocol));
  }

  /** Where doors tell of those whom they refuse. */
  get refusals(): RefusalLog {
    return this.#context.refusals;
  }

  /** Where doors tell of what they cannot answer. */
  get logger(): Logger {
    return this.#context.logger;
  }

  /** True once the node goes down. */
  get isStopping(): boolean {
    return this.#context.node.isStopping;
  }

  /** Runs a method on a request of its own type. Never rejects. */
  async run(method: ApiMethod, request: Message, origin: CallOrigin): Promise<Outcome> {
    const call = this.#call(method.name, origin);
    const startedAtMs = this.#context.clock.monotonicMs();
    try {
      const result = await method.run(call, request);
      this.#finish(method.name, origin, startedAtMs);
      return { ok: true, result };
    } catch (error) {
      const known = call.explain(error);
      this.#finish(method.name, origin, startedAtMs, known.code);
      return { ok: false, error: known };
    }
  }

  /** Runs several commands; undefined stands for a command that was `null`. Never rejects. */
  async runBatch(
    commands: readonly (Command | undefined)[],
    parallel: boolean,
    origin: CallOrigin,
  ): Promise<BatchResponse> {
    const startedAtMs = this.#context.clock.monotonicMs();
    const response = await runBatch(commands, parallel, {
      run: (method, request) => this.run(method, request, origin),
      refuse: (error) => this.refuse("batch", error, origin),
    });
    this.#finish("batch", origin, startedAtMs);
    return response;
  }

  /** The error of a call that no method has been found for, or no request for its method; noted. */
  refuse(method: string, error: ClientError, origin: CallOrigin): ClientError {
    return this.#call(method, origin).explain(error);
  }

  #call(method: string, origin: CallOrigin): ApiCall {
    return new ApiCall(this.#context, method, origin);
  }

  #finish(
    method: string,
    { protocol, address, caller }: CallOrigin,
    startedAtMs: number,
    code?: number,
  ): void {
    const { logger, clock } = this.#context;
    const durationMs = clock.monotonicMs() - startedAtMs;
    this.#counts.of(protocol).count(method, durationMs, code);
    logger.debug({ method, key: caller.key, address, ms: Math.round(durationMs), code }, "api call");
  }
}
