import {
  create,
  type DescMessage,
  type DescMethodUnary,
  type Message,
  type MessageShape,
} from "@bufbuild/protobuf";
import type { ClientError } from "../core/client-error.ts";
import { clientErrorOf } from "../core/failure.ts";
import type { Logger } from "../core/logger.ts";
import type { ApiProtocol } from "../core/metrics.ts";
import type { RefusalLog } from "../core/refusal-log.ts";
import { type CallRefusal, refusalOf } from "../core/refusal.ts";
import type { ApiCaller } from "./api-key.ts";
import type { ApiNode } from "./ports.ts";

/** Result of a call: that of its method, or the error that it is answered with. */
export type Outcome =
  { readonly ok: true; readonly result: Message } | { readonly ok: false; readonly error: ClientError };

/** How a call came in. */
export interface CallOrigin {
  readonly protocol: ApiProtocol;
  /** True where `bytes` of the request are known to be JSON, because they came as such. */
  readonly bytesAreJson: boolean;
  readonly caller: ApiCaller;
  /** Network address of the caller; "" where it is not known any more. */
  readonly address: string;
  /** Aborts when the caller has left or its time is up. Made only for those methods that ask for it. */
  signal(): AbortSignal;
}

/** What all calls have in common. */
export interface CallContext {
  readonly node: ApiNode;
  /** Hears of calls that fail by our fault. */
  readonly logger: Logger;
  /** Hears of those that fail by the caller's. */
  readonly refusals: RefusalLog;
}

/** Errors that say that there is something to change; the node itself notes unknown namespaces. */
const REFUSALS: ReadonlyMap<number, CallRefusal> = new Map([
  [104, "api_unknown_method"],
  [107, "bad_api_request"],
  [108, "api_not_available"],
]);

/** What a call of a method works with. */
export class ApiCall {
  readonly node: ApiNode;
  readonly bytesAreJson: boolean;
  readonly #method: string;
  readonly #origin: CallOrigin;
  readonly #context: CallContext;

  constructor(context: CallContext, method: string, origin: CallOrigin) {
    this.node = context.node;
    this.bytesAreJson = origin.bytesAreJson;
    this.#method = method;
    this.#origin = origin;
    this.#context = context;
  }

  signal(): AbortSignal {
    return this.#origin.signal();
  }

  /** Turns whatever was thrown into what the caller is told; bugs are logged, and what the caller is to change. */
  explain(error: unknown): ClientError {
    const { logger, refusals } = this.#context;
    const method = this.#method;
    const { address, caller } = this.#origin;
    const { key } = caller;
    const known = clientErrorOf(error, { logger, message: "api call failed", fields: { method, key } });
    const refused = refusalOf(known);
    const reason = refused?.reason ?? REFUSALS.get(known.code);
    const detail = refused?.message ?? known.message;
    if (reason !== undefined) refusals.note(reason, { address, key, method, detail });
    return known;
  }
}

/** One method of the API. All doors are made from these. */
export interface ApiMethod {
  /** Name in paths, in batches and in legacy requests: snake_case. */
  readonly name: string;
  readonly rpc: DescMethodUnary;
  readonly result: DescMessage;
  /** What `run` resolves to where there is nothing to tell; doors keep the bytes for it. Not to be changed. */
  readonly empty: Message;
  /** Rejects with a ClientError, or with a bug. */
  run(call: ApiCall, request: Message): Promise<Message>;
}

/** A method with the types of its schema. */
interface MethodDefinition<Request extends DescMessage, Result extends DescMessage> {
  readonly name: string;
  readonly rpc: DescMethodUnary<Request>;
  readonly result: Result;
  /** `empty` is to be returned as it is where there is nothing to tell. */
  run(
    call: ApiCall,
    request: MessageShape<Request>,
    empty: MessageShape<Result>,
  ): Promise<MessageShape<Result>>;
}

/** Defines a method. Doors hand it requests of its own type only, so the type is left out from here on. */
export function defineMethod<Request extends DescMessage, Result extends DescMessage>(
  definition: MethodDefinition<Request, Result>,
): ApiMethod {
  const { name, rpc, result } = definition;
  const empty = create(result);
  return {
    name,
    rpc,
    result,
    empty,
    run: (call, request) => definition.run(call, request as MessageShape<Request>, empty),
  };
}
