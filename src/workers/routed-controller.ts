import type {
  Controller,
  NodeCallArgs,
  NodeCallName,
  NodeCallResult,
  NodeCalls,
} from "../core/controller.ts";
import { callNode } from "../node/every-node.ts";
import { decodeArgs, encodeArgs } from "./wire.ts";

/** A router, wherever it is: arguments and answers are as they travel. */
export interface Questions {
  askOthers(name: string, args: readonly unknown[]): Promise<readonly unknown[]>;
  askNode(uid: string, name: string, args: readonly unknown[]): Promise<unknown>;
}

/** What the controllers of all nodes that one router serves have in common: how they ask. */
export abstract class RoutedController implements Pick<Controller, "askOthers" | "askNode"> {
  readonly #router: Questions;

  constructor(router: Questions) {
    this.#router = router;
  }

  async askOthers<Name extends NodeCallName>(
    name: Name,
    ...args: NodeCallArgs<Name>
  ): Promise<readonly NodeCallResult<Name>[]> {
    const answers = await this.#router.askOthers(name, encodeArgs(args));
    return answers as readonly NodeCallResult<Name>[];
  }

  async askNode<Name extends NodeCallName>(
    uid: string,
    name: Name,
    ...args: NodeCallArgs<Name>
  ): Promise<NodeCallResult<Name> | undefined> {
    const answer = await this.#router.askNode(uid, name, encodeArgs(args));
    return answer as NodeCallResult<Name> | undefined;
  }
}

/** Answers another node's question. Names come from nodes of the same program. */
export function answerAsk(calls: NodeCalls, name: string, args: readonly unknown[]): Promise<unknown> {
  const known = name as NodeCallName;
  return callNode(calls, known, decodeArgs<typeof known>(args));
}
