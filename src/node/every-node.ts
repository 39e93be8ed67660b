import type {
  Controller,
  NodeCallArgs,
  NodeCallName,
  NodeCallResult,
  NodeCalls,
} from "../core/controller.ts";

/** Asks this node and all others, as one. */
export class EveryNode {
  readonly #own: NodeCalls;
  readonly #controller: Controller;

  constructor(own: NodeCalls, controller: Controller) {
    this.#own = own;
    this.#controller = controller;
  }

  /** The answers, this node's first. What is asked has happened everywhere when it resolves. */
  async ask<Name extends NodeCallName>(
    name: Name,
    ...args: NodeCallArgs<Name>
  ): Promise<readonly NodeCallResult<Name>[]> {
    const [others, own] = await Promise.all([
      this.#controller.askOthers(name, ...args),
      callNode(this.#own, name, args),
    ]);
    return [own, ...others];
  }
}

/** Calls by name. */
export async function callNode<Name extends NodeCallName>(
  calls: NodeCalls,
  name: Name,
  args: NodeCallArgs<Name>,
): Promise<NodeCallResult<Name>> {
  // TypeScript does not see that the arguments are those of the very method.
  const method = calls[name] as (...methodArgs: NodeCallArgs<Name>) => Promise<NodeCallResult<Name>>;
  return method.apply(calls, args);
}
