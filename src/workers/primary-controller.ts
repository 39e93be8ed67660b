import type {
  Controller,
  NodeCallArgs,
  NodeCallName,
  NodeCallResult,
  NodeCalls,
} from "../core/controller.ts";
import { callNode } from "../node/every-node.ts";
import type { NodeRouter } from "./node-router.ts";
import { decodeArgs, encodeArgs } from "./wire.ts";

/** The controller of the primary's own node: it is where the router is. */
export class PrimaryController implements Controller {
  readonly #uid: string;
  readonly #router: NodeRouter;
  #sessionsElsewhere = 0;

  constructor(uid: string, router: NodeRouter) {
    this.#uid = uid;
    this.#router = router;
  }

  async start(calls: NodeCalls): Promise<void> {
    this.#router.add(this.#uid, {
      ask: (name, args) => answerAsk(calls, name, args),
      setOthers: (_uids, sessions) => (this.#sessionsElsewhere = sessions),
      // It has no connections that anything is taken for.
      noteRates: () => undefined,
    });
  }

  others(): readonly string[] {
    return this.#router.othersOf(this.#uid);
  }

  async askOthers<Name extends NodeCallName>(
    name: Name,
    ...args: NodeCallArgs<Name>
  ): Promise<readonly NodeCallResult<Name>[]> {
    const answers = await this.#router.askOthers(this.#uid, name, encodeArgs(args));
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

  reportSessions(count: number): void {
    this.#router.reportSessions(this.#uid, count);
  }

  sessionsElsewhere(): number {
    return this.#sessionsElsewhere;
  }

  async close(): Promise<void> {
    this.#router.remove(this.#uid);
  }
}

/** Answers another node's question. Names come from nodes of the same program. */
export function answerAsk(calls: NodeCalls, name: string, args: readonly unknown[]): Promise<unknown> {
  const known = name as NodeCallName;
  return callNode(calls, known, decodeArgs<typeof known>(args));
}
