import type { DescMessage, DescMethodUnary, Message, MessageShape } from "@bufbuild/protobuf";
import type { ClientError } from "../core/client-error.ts";
import type { ApiNode } from "./ports.ts";

/** How a call came in. */
export interface CallOrigin {
  /** True where `bytes` of the request are known to be JSON, because they came as such. */
  readonly bytesAreJson: boolean;
  /** Aborts when the caller has left or its time is up. Made only for those methods that ask for it. */
  readonly signal: () => AbortSignal;
}

/** What a call of a method works with. */
export interface ApiCall extends CallOrigin {
  readonly node: ApiNode;
  /** Turns whatever was thrown into what the caller is told, and logs bugs. */
  readonly explain: (error: unknown) => ClientError;
}

/** One method of the API. All doors are made from these. */
export interface ApiMethod {
  /** Name in paths, in batches and in legacy requests: snake_case. */
  readonly name: string;
  readonly rpc: DescMethodUnary;
  readonly result: DescMessage;
  /** Rejects with a ClientError, or with a bug. */
  run(call: ApiCall, request: Message): Promise<Message>;
}

/** A method with the types of its schema. */
interface MethodDefinition<Request extends DescMessage, Result extends DescMessage> {
  readonly name: string;
  readonly rpc: DescMethodUnary<Request>;
  readonly result: Result;
  run(call: ApiCall, request: MessageShape<Request>): Promise<MessageShape<Result>>;
}

/** Defines a method. Doors hand it requests of its own type only, so the type is left out from here on. */
export function defineMethod<Request extends DescMessage, Result extends DescMessage>(
  definition: MethodDefinition<Request, Result>,
): ApiMethod {
  return definition;
}
