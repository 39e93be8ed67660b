import type { EncodedPush } from "../core/encoded-push.ts";
import type { Subscriber } from "../core/subscriber.ts";

/** What the hub needs to know of a session. */
export interface HubMember {
  readonly id: string;
  /** "" for an anonymous user. */
  readonly user: string;
}

/** Which sessions are connected to this node, and who listens to which channel. */
export class Hub<Member extends HubMember> {
  readonly #members = new Map<string, Member>();
  readonly #users = new Map<string, Set<Member>>();
  readonly #channels = new Map<string, Set<Subscriber>>();
  #subscriptionCount = 0;

  get memberCount(): number {
    return this.#members.size;
  }

  /** Distinct users; all anonymous ones together count as one. */
  get userCount(): number {
    return this.#users.size;
  }

  /** Channels with at least one subscriber. */
  get channelCount(): number {
    return this.#channels.size;
  }

  get subscriptionCount(): number {
    return this.#subscriptionCount;
  }

  /** All members, in order of arrival. */
  members(): Iterable<Member> {
    return this.#members.values();
  }

  /** All members of one user; "" gives the anonymous ones. */
  membersOf(user: string): ReadonlySet<Member> {
    return this.#users.get(user) ?? EMPTY;
  }

  /** Adds a member. Its user must not change afterwards. */
  add(member: Member): void {
    this.#members.set(member.id, member);
    const ofUser = this.#users.get(member.user);
    if (ofUser === undefined) this.#users.set(member.user, new Set([member]));
    else ofUser.add(member);
  }

  /** Forgets a member; its subscriptions are removed separately. Does nothing when it is not there. */
  remove(member: Member): void {
    if (!this.#members.delete(member.id)) return;
    const ofUser = this.#users.get(member.user);
    ofUser?.delete(member);
    if (ofUser?.size === 0) this.#users.delete(member.user);
  }

  /** Adds a subscriber; returns true when it is the channel's first on this node. */
  subscribe(channel: string, subscriber: Subscriber): boolean {
    const subscribers = this.#channels.get(channel);
    if (subscribers === undefined) {
      this.#channels.set(channel, new Set([subscriber]));
      this.#subscriptionCount += 1;
      return true;
    }
    const before = subscribers.size;
    this.#subscriptionCount += subscribers.add(subscriber).size - before;
    return false;
  }

  /** Removes a subscriber; returns true when it was the channel's last on this node. */
  unsubscribe(channel: string, subscriber: Subscriber): boolean {
    const subscribers = this.#channels.get(channel);
    if (subscribers === undefined || !subscribers.delete(subscriber)) return false;
    this.#subscriptionCount -= 1;
    if (subscribers.size > 0) return false;
    this.#channels.delete(channel);
    return true;
  }

  /** Whether anybody on this node listens to the channel. */
  hasSubscribers(channel: string): boolean {
    return this.#channels.has(channel);
  }

  /** Queues the push for every subscriber of the channel; returns how many there were. */
  broadcast(channel: string, push: EncodedPush): number {
    const subscribers = this.#channels.get(channel);
    if (subscribers === undefined) return 0;
    const count = subscribers.size;
    // A subscriber that has to be disconnected leaves the set during the loop, which a Set allows.
    for (const subscriber of subscribers) subscriber.deliver(push);
    return count;
  }

  /** Queues a join or leave for those subscribers of the channel who want to know. */
  broadcastJoinLeave(channel: string, push: EncodedPush): void {
    for (const subscriber of this.#channels.get(channel) ?? EMPTY) subscriber.deliverJoinLeave(push);
  }

  /** The channels with subscribers, and how many each has. */
  *channels(): Generator<readonly [channel: string, subscribers: number]> {
    for (const [channel, { size }] of this.#channels) yield [channel, size];
  }
}

const EMPTY: ReadonlySet<never> = new Set<never>();
