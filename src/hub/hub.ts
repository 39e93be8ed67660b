import {
  type DeliverySchedule,
  type EncodedPush,
  type PendingDeliveries,
  PushBatch,
  type Subscriber,
} from "../core/push.ts";
import { GroupMap } from "./group-map.ts";

/** What the hub needs to know of a session. */
export interface HubMember {
  readonly id: string;
  /** "" for an anonymous user. */
  readonly user: string;
}

/** Publications that wait for each other at most. */
const MAX_BATCH = 1024;

/** Delivers at once. */
const AT_ONCE: DeliverySchedule = { defer: (pending) => pending.flushPending() };

/**
 * Which sessions are connected to this node, and who listens to which channel.
 *
 * Publications to one channel wait for each other as long as nothing else happens here: subscribers get them as a batch.
 */
export class Hub<Member extends HubMember> implements PendingDeliveries {
  readonly #schedule: DeliverySchedule;
  /** Pushes that wait, and the channel that they are of. */
  #batch: PushBatch | undefined;
  #batchChannel = "";
  readonly #members = new Map<string, Member>();
  readonly #users = new GroupMap<Member>();
  readonly #channels = new GroupMap<Subscriber>();
  #subscriptionCount = 0;

  constructor(schedule: DeliverySchedule = AT_ONCE) {
    this.#schedule = schedule;
  }

  get memberCount(): number {
    return this.#members.size;
  }

  /** Distinct users; all anonymous ones together count as one. */
  get userCount(): number {
    return this.#users.count;
  }

  /** Channels with at least one subscriber. */
  get channelCount(): number {
    return this.#channels.count;
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
    return this.#users.names();
  }

  /** All members of one user; "" gives the anonymous ones. */
  membersOf(user: string): ReadonlySet<Member> {
    return this.#users.membersOf(user);
  }

  /** Adds a member. */
  add(member: Member): void {
    this.#members.set(member.id, member);
    this.#users.add(member.user, member);
  }

  /** Lets a member's user change, which otherwise it must not. The member keeps its place in the order. */
  changeUser(member: Member, change: () => void): void {
    if (!this.#members.has(member.id)) return change();
    this.#users.remove(member.user, member);
    change();
    this.#users.add(member.user, member);
  }

  /** Forgets a member; its subscriptions are removed separately. Does nothing when it is not there. */
  remove(member: Member): void {
    if (this.#members.delete(member.id)) this.#users.remove(member.user, member);
  }

  /** Adds a subscriber; returns true when it is the channel's first on this node. */
  subscribe(channel: string, subscriber: Subscriber): boolean {
    if (!this.#listeners.add(channel, subscriber)) return false;
    this.#subscriptionCount += 1;
    return this.#channels.sizeOf(channel) === 1;
  }

  /** Removes a subscriber; returns true when it was the channel's last on this node. */
  unsubscribe(channel: string, subscriber: Subscriber): boolean {
    if (!this.#listeners.remove(channel, subscriber)) return false;
    this.#subscriptionCount -= 1;
    return this.#channels.sizeOf(channel) === 0;
  }

  /** Subscribers of the channel on this node. */
  subscriberCount(channel: string): number {
    return this.#channels.sizeOf(channel);
  }

  /** Delivers the push to every subscriber of the channel, before the turn is over and before anything else. */
  broadcast(channel: string, push: EncodedPush): void {
    const waiting = this.#batch;
    if (waiting !== undefined && this.#batchChannel === channel && waiting.pushes.length < MAX_BATCH) {
      waiting.add(push);
      return;
    }
    if (this.#listeners.sizeOf(channel) === 0) return;
    const batch = new PushBatch();
    batch.add(push);
    this.#batch = batch;
    this.#batchChannel = channel;
    this.#schedule.defer(this);
  }

  /** Delivers the push to every subscriber of the channel but for one. */
  broadcastPast(except: Subscriber, channel: string, push: EncodedPush): void {
    for (const subscriber of this.#listeners.membersOf(channel)) {
      if (subscriber === except) subscriber.skip(push);
      else subscriber.deliver(push);
    }
  }

  flushPending(): void {
    const batch = this.#batch;
    if (batch === undefined) return;
    this.#batch = undefined;
    // A subscriber that has to be disconnected leaves the set during the loop, which a Set allows.
    for (const subscriber of this.#channels.membersOf(this.#batchChannel)) subscriber.deliverBatch(batch);
  }

  /** Queues a notice for those subscribers of the channel who want it. */
  broadcastNotice(channel: string, push: EncodedPush): void {
    for (const subscriber of this.#listeners.membersOf(channel)) subscriber.deliverNotice(push);
  }

  /** The channels with subscribers, and how many each has. */
  channels(): Generator<readonly [channel: string, subscribers: number]> {
    return this.#channels.sizes();
  }

  /** Subscribers by channel, for whoever changes them or sends them something else: the batch that waits goes first. */
  get #listeners(): GroupMap<Subscriber> {
    this.flushPending();
    return this.#channels;
  }
}
