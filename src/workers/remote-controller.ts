import type { Controller, NodeCalls } from "../core/controller.ts";
import type { WorkerCalls } from "./calls.ts";
import { answerAsk, RoutedController } from "./routed-controller.ts";
import type { PrimaryLink } from "./worker-link.ts";

/** The primary's router, as a worker reaches it. */
export class RemoteController extends RoutedController implements Controller {
  readonly #link: PrimaryLink;
  readonly #onJoined: () => Promise<void>;
  readonly #calls = Promise.withResolvers<NodeCalls>();
  #others: readonly string[] = [];
  #sessionsElsewhere = 0;
  #sessions = 0;
  #isReporting = false;

  /** `onJoined` takes over what has happened before other nodes' questions come. */
  constructor(link: PrimaryLink, onJoined: () => Promise<void>) {
    super({
      askOthers: (name, args) => link.call("askOthers", name, args),
      askNode: (uid, name, args) => link.call("askNode", uid, name, args),
    });
    this.#link = link;
    this.#onJoined = onJoined;
  }

  /** Answers what other nodes ask, once the node has started; until then they wait. */
  readonly answers: Pick<WorkerCalls, "ask" | "others"> = {
    ask: async (name, args) => answerAsk(await this.#calls.promise, name, args),
    others: (uids, sessions) => {
      this.#others = uids;
      this.#sessionsElsewhere = sessions;
    },
  };

  async start(calls: NodeCalls): Promise<void> {
    await this.#link.call("join");
    await this.#onJoined();
    this.#calls.resolve(calls);
  }

  others(): readonly string[] {
    return this.#others;
  }

  reportSessions(count: number): void {
    this.#sessions = count;
    if (this.#isReporting) return;
    this.#isReporting = true;
    // Before clients are told that they are connected: the others know of them when they see it.
    process.nextTick(() => {
      this.#isReporting = false;
      this.#link.notify("reportSessions", this.#sessions);
    });
  }

  sessionsElsewhere(): number {
    return this.#sessionsElsewhere;
  }

  async close(): Promise<void> {}
}
