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

  /** The member with this id; undefined where it is not on this node. */
  member(id: string): Member | undefined {
    return this.#members.get(id);
  }

  /** Distinct users; "" stands for the anonymous ones. */
  users(): Iterable<string> {
    return this.#users.keys();
  }

  /** All members of one user; "" gives the anonymous ones. */
  membersOf(user: string): ReadonlySet<Member> {
    return this.#users.get(user) ?? EMPTY;
  }

  /** Adds a member. */
  add(member: Member): void {
    this.#members.set(member.id, member);
    this.#addToUser(member);
  }

  /** Lets a member's user change, which otherwise it must not. The member keeps its place in the order. */
  changeUser(member: Member, change: () => void): void {
    if (!this.#members.has(member.id)) return change();
    this.#removeFromUser(member);
    change();
    this.#addToUser(member);
  }

  /** Forgets a member; its subscriptions are removed separately. Does nothing when it is not there. */
  remove(member: Member): void {
    if (this.#members.delete(member.id)) this.#removeFromUser(member);
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

  /** Subscribers of the channel on this node. */
  subscriberCount(channel: string): number {
    return this.#channels.get(channel)?.size ?? 0;
  }

  /** Queues the push for every subscriber of the channel, but for one. */
  broadcast(channel: string, push: EncodedPush, except?: Subscriber): void {
    // A subscriber that has to be disconnected leaves the set during the loop, which a Set allows.
    for (const subscriber of this.#channels.get(channel) ?? EMPTY) {
      if (subscriber === except) subscriber.skip(push);
      else subscriber.deliver(push);
    }
  }

  /** Queues a notice for those subscribers of the channel who want it. */
  broadcastNotice(channel: string, push: EncodedPush): void {
    for (const subscriber of this.#channels.get(channel) ?? EMPTY) subscriber.deliverNotice(push);
  }

  /** The channels with subscribers, and how many each has. */
  *channels(): Generator<readonly [channel: string, subscribers: number]> {
    for (const [channel, { size }] of this.#channels) yield [channel, size];
  }

  #addToUser(member: Member): void {
    const ofUser = this.#users.get(member.user);
    if (ofUser === undefined) this.#users.set(member.user, new Set([member]));
    else ofUser.add(member);
  }

  #removeFromUser(member: Member): void {
    const ofUser = this.#users.get(member.user);
    ofUser?.delete(member);
    if (ofUser?.size === 0) this.#users.delete(member.user);
  }
}

const EMPTY: ReadonlySet<never> = new Set<never>();
