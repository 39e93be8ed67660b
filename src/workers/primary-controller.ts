import type { Controller, NodeCalls } from "../core/controller.ts";
import type { NodeRouter } from "./node-router.ts";
import { answerAsk, RoutedController } from "./routed-controller.ts";

/** The controller of the primary's own node: it is where the router is. */
export class PrimaryController extends RoutedController implements Controller {
  readonly #uid: string;
  readonly #router: NodeRouter;
  #sessionsElsewhere = 0;

  constructor(uid: string, router: NodeRouter) {
    super({
      askOthers: (name, args) => router.askOthers(uid, name, args),
      askNode: (other, name, args) => router.askNode(other, name, args),
    });
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
