import { describe, expect, it } from "vitest";
import {
  EncodedPush,
  type PendingDeliveries,
  type PushBatch,
  type Subscriber,
} from "../../../src/core/push.ts";
import { Hub } from "../../../src/hub/hub.ts";

const PUSH = new EncodedPush({ type: "ping" });

class Listener implements Subscriber {
  received = 0;
  notices = 0;
  skipped = 0;
  /** How many pushes came together. */
  readonly batches: number[] = [];
  readonly #onPush: () => void;

  constructor(onPush: () => void = () => undefined) {
    this.#onPush = onPush;
  }

  deliver(): void {
    this.received += 1;
    this.#onPush();
  }

  deliverBatch({ pushes }: PushBatch): void {
    this.batches.push(pushes.length);
    for (const push of pushes) if (push === PUSH) this.deliver();
  }

  deliverNotice(): void {
    this.notices += 1;
  }

  skip(): void {
    this.skipped += 1;
  }
}

describe("Hub", () => {
  it("finds members by user and forgets them", () => {
    const hub = new Hub();
    const [a, b, c] = [
      { id: "a", user: "1" },
      { id: "b", user: "1" },
      { id: "c", user: "" },
    ];
    for (const member of [a, b, c]) hub.add(member);
    expect([...hub.membersOf("1")]).toEqual([a, b]);
    expect([hub.memberCount, hub.userCount]).toEqual([3, 2]);
    hub.remove(a);
    hub.remove(a);
    hub.remove(c);
    expect([...hub.membersOf("1")]).toEqual([b]);
    expect([...hub.membersOf("")]).toEqual([]);
    expect([hub.memberCount, hub.userCount]).toEqual([1, 1]);
  });

  it("tells the first and the last subscriber of a channel", () => {
    const hub = new Hub();
    const [one, two] = [new Listener(), new Listener()];
    expect([hub.subscribe("c", one), hub.subscribe("c", two), hub.subscribe("c", two)]).toEqual([
      true,
      false,
      false,
    ]);
    expect([hub.channelCount, hub.subscriptionCount]).toEqual([1, 2]);
    expect([hub.unsubscribe("c", one), hub.unsubscribe("c", one), hub.unsubscribe("c", two)]).toEqual([
      false,
      false,
      true,
    ]);
    expect([hub.channelCount, hub.subscriptionCount]).toEqual([0, 0]);
  });

  it("broadcasts to the subscribers of the channel only", () => {
    const hub = new Hub();
    const [one, other] = [new Listener(), new Listener()];
    hub.subscribe("c", one);
    hub.subscribe("d", other);
    hub.broadcast("c", PUSH);
    hub.broadcast("nobody", PUSH);
    expect([one.received, other.received]).toEqual([1, 0]);
    expect([hub.subscriberCount("c"), hub.subscriberCount("nobody")]).toEqual([1, 0]);
  });

  it("passes by the one that is not to get a push", () => {
    const hub = new Hub();
    const [one, other] = [new Listener(), new Listener()];
    for (const listener of [one, other]) hub.subscribe("c", listener);
    hub.broadcastPast(other, "c", PUSH);
    expect([one.received, one.skipped, other.received, other.skipped]).toEqual([1, 0, 0, 1]);
  });

  it("finds a member under its new user, in its old place", () => {
    const hub = new Hub<{ id: string; user: string }>();
    const [a, b] = [
      { id: "a", user: "" },
      { id: "b", user: "" },
    ];
    for (const member of [a, b]) hub.add(member);
    hub.changeUser(a, () => (a.user = "1"));
    expect([[...hub.membersOf("1")], [...hub.membersOf("")]]).toEqual([[a], [b]]);
    expect([[...hub.members()], hub.member("a"), hub.userCount]).toEqual([[a, b], a, 2]);
    hub.remove(b);
    hub.changeUser(b, () => (b.user = "2"));
    expect([hub.membersOf("2").size, hub.userCount]).toEqual([0, 1]);
  });

  it("delivers to everybody else when one leaves during the broadcast", () => {
    const hub = new Hub();
    const leaver: Listener = new Listener(() => hub.unsubscribe("c", leaver));
    const others = [new Listener(), new Listener(), new Listener()];
    for (const listener of [others[0], leaver, others[1], others[2]])
      if (listener) hub.subscribe("c", listener);
    hub.broadcast("c", PUSH);
    hub.broadcast("c", PUSH);
    expect(others.map(({ received }) => received)).toEqual([2, 2, 2]);
    expect(leaver.received).toBe(1);
  });

  it("hands notices over separately", () => {
    const hub = new Hub();
    const listener = new Listener();
    hub.subscribe("c", listener);
    hub.broadcastNotice("c", PUSH);
    hub.broadcastNotice("nobody", PUSH);
    expect([listener.received, listener.notices]).toEqual([0, 1]);
  });

  it("lists channels with their number of subscribers", () => {
    const hub = new Hub();
    hub.subscribe("a", new Listener());
    hub.subscribe("b", new Listener());
    hub.subscribe("b", new Listener());
    expect([...hub.channels()]).toEqual([
      ["a", 1],
      ["b", 2],
    ]);
  });

  describe("that is told when to deliver", () => {
    function setUp() {
      const deferred: PendingDeliveries[] = [];
      const hub = new Hub({ defer: (pending) => void deferred.push(pending) });
      const [one, two, other] = [new Listener(), new Listener(), new Listener()];
      for (const listener of [one, two]) hub.subscribe("c", listener);
      hub.subscribe("d", other);
      return { hub, deferred, one, two, other };
    }

    it("delivers publications of one channel as a batch", () => {
      const { hub, deferred, one, two } = setUp();
      for (let count = 0; count < 3; count++) hub.broadcast("c", PUSH);
      expect([one.received, deferred.length]).toEqual([0, 1]);
      deferred[0]?.flushPending();
      deferred[0]?.flushPending();
      expect([one.batches, two.batches]).toEqual([[3], [3]]);
    });

    it("delivers them before those of another channel", () => {
      const { hub, one, other } = setUp();
      hub.broadcast("c", PUSH);
      hub.broadcast("d", PUSH);
      expect([one.batches, other.batches]).toEqual([[1], []]);
      hub.broadcast("c", PUSH);
      expect([one.batches, other.batches]).toEqual([[1], [1]]);
      hub.flushPending();
      expect(one.batches).toEqual([1, 1]);
    });

    it("waits for nobody where nobody listens", () => {
      const { hub, deferred } = setUp();
      hub.broadcast("nobody", PUSH);
      expect(deferred).toEqual([]);
    });

    it("delivers them before anything else happens to a channel", () => {
      const { hub, one, two } = setUp();
      const late = new Listener();
      hub.broadcast("c", PUSH);
      hub.subscribe("c", late);
      expect([one.batches, late.batches]).toEqual([[1], []]);
      hub.broadcast("c", PUSH);
      hub.unsubscribe("c", two);
      expect([two.batches, late.batches]).toEqual([[1, 1], [1]]);
      hub.broadcast("c", PUSH);
      hub.broadcastNotice("c", PUSH);
      expect([one.batches.length, one.notices]).toEqual([3, 1]);
      hub.broadcast("c", PUSH);
      hub.broadcastPast(late, "c", PUSH);
      expect([one.batches.length, one.received, late.skipped]).toEqual([4, 5, 1]);
    });

    it("does not let a batch grow without end", () => {
      const { hub, one } = setUp();
      for (let count = 0; count < 3000; count++) hub.broadcast("c", PUSH);
      expect(one.batches).toEqual([1024, 1024]);
      hub.flushPending();
      expect(one.received).toBe(3000);
    });
  });
});
