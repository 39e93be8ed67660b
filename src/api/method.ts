import type { DescMessage, DescMethodUnary, Message, MessageShape } from "@bufbuild/protobuf";
import type { ClientError } from "../core/client-error.ts";
import type { ApiNode } from "./ports.ts";

/** What a call of a method works with. */
export interface ApiCall {
  readonly node: ApiNode;
  /** True where `bytes` of the request are known to be JSON, because they came as such. */
  readonly bytesAreJson: boolean;
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
