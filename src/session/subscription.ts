import { disconnect } from "../core/disconnect.ts";
import type { EncodedPush } from "../core/encoded-push.ts";
import type { Subscriber } from "../core/subscriber.ts";
import type { SubscriptionGrant } from "../core/token-verifier.ts";
import type { Session } from "./session.ts";

/** A grant that changes nothing. */
export const PLAIN_GRANT: SubscriptionGrant = { info: undefined, data: undefined, override: {} };

/**
 * One session's subscription to one channel.
 *
 * It starts out holding what is published, so that nothing overtakes the push that tells the client of the
 * subscription; `release` lets it flow.
 */
export class Subscription implements Subscriber {
  readonly session: Session;
  readonly channel: string;
  readonly grant: SubscriptionGrant;
  readonly #heldMaxBytes: number;
  #held: EncodedPush[] | undefined = [];
  #heldBytes = 0;

  /** A session that has more than `heldMaxBytes` published to it while held is disconnected as slow. */
  constructor(session: Session, channel: string, grant: SubscriptionGrant, heldMaxBytes: number) {
    this.session = session;
    this.channel = channel;
    this.grant = grant;
    this.#heldMaxBytes = heldMaxBytes > 0 ? heldMaxBytes : Number.POSITIVE_INFINITY;
  }

  deliver(push: EncodedPush): void {
    if (this.#held === undefined) this.session.send(push);
    else this.#hold(push, this.#held);
  }

  /** Sends what was held, in order, and everything from now on as it comes. */
  release(): void {
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined) for (const push of held) this.session.send(push);
  }

  #hold(push: EncodedPush, held: EncodedPush[]): void {
    this.#heldBytes += push.frameFor(this.session.transport.format)?.byteLength ?? 0;
    if (this.#heldBytes > this.#heldMaxBytes) this.session.abort(disconnect("slow"));
    else held.push(push);
  }
}
