import { describe, expect, it } from "vitest";
import { disconnect } from "../../../src/core/disconnect.ts";
import { JOIN_LEAVE, NO_NOTICES, Publication } from "../../../src/core/publication.ts";
import { EncodedPush } from "../../../src/core/push.ts";
import { SUBSCRIPTION_SOURCE } from "../../../src/core/token-verifier.ts";
import type { Codec } from "../../../src/core/wire-format.ts";
import { TimerWheel } from "../../../src/lib/timer-wheel.ts";
import { FlushList } from "../../../src/session/outbox.ts";
import {
  ANONYMOUS_IDENTITY,
  Session,
  type SessionIdentity,
  type SessionLimits,
} from "../../../src/session/session.ts";
import { Subscription, type SubscriptionFeatures } from "../../../src/session/subscription.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { endOfTurn, FakeTransport, lineFormat } from "../../support/fake-transport.ts";
import { silentLogger } from "../../support/silent-logger.ts";

const LIMITS: SessionLimits = {
  outboxMaxBytes: 1000,
  staleCloseDelayMs: 10_000,
  expiredCloseDelayMs: 25_000,
  tickIntervalMs: 0,
};

function setUp(transport = new FakeTransport(), limits: SessionLimits = LIMITS) {
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock);
  const closed: Session[] = [];
  const ticked: Session[] = [];
  const expired: Session[] = [];
  const host = {
    onSessionClosed: (which: Session): void => void closed.push(which),
    onSessionExpires: (which: Session): boolean => expired.push(which) < 0,
    onSessionTick: (which: Session): void => void ticked.push(which),
  };
  const session = new Session(transport, {
    host,
    flushList: new FlushList(),
    wheel,
    clock,
    logger: silentLogger,
    limits,
    random: () => 0.5,
  });
  return { transport, clock, wheel, host, closed, ticked, expired, session };
}

function identity(changes: Partial<SessionIdentity> = {}): SessionIdentity {
  return { ...ANONYMOUS_IDENTITY, user: "42", source: "token", ...changes };
}

function publication(text: string): EncodedPush {
  return new EncodedPush({
    type: "publication",
    channel: "c",
    publication: new Publication({ data: Buffer.from(text) }),
  });
}

const PLAIN_FEATURES: SubscriptionFeatures = {
  positioned: false,
  recoverable: false,
  presence: false,
  joinLeave: false,
  notices: NO_NOTICES,
  delta: false,
};

function subscribe(
  session: Session,
  heldMaxBytes: number,
  features: Partial<SubscriptionFeatures> = {},
): Subscription {
  const subscription = new Subscription({
    session,
    channel: "c",
    source: SUBSCRIPTION_SOURCE.unknown,
    user: undefined,
    chanInfo: undefined,
    features: { ...PLAIN_FEATURES, ...features },
    expireAtSec: undefined,
    metaTtlMs: 1000,
    heldMaxBytes,
  });
  session.subscriptions.add(subscription);
  return subscription;
}

function at(offset: number, epoch = "e"): EncodedPush {
  const kept = new Publication({ data: Buffer.from(String(offset)) }, offset, epoch);
  return new EncodedPush({ type: "publication", channel: "c", publication: kept });
}

describe("Session", () => {
  it("ends as stale when nobody connects in time", async () => {
    const { transport, clock, closed, session } = setUp();
    clock.advance(9900);
    expect(transport.closedWith).toBeUndefined();
    clock.advance(300);
    expect(transport.closedWith?.code).toBe(3502);
    expect(transport.messages).toEqual([{ disconnect: { code: 3502, reason: "stale" } }]);
    expect(closed).toEqual([session]);
  });

  it.each([
    ["find out who it is", (session: Session): void => session.requested()],
    ["let it in", (session: Session): void => session.identify(identity())],
  ])("ends with 3004 when the server takes as long to %s", (_what, proceed) => {
    const { transport, clock, session } = setUp();
    proceed(session);
    clock.advance(9900);
    expect(transport.closedWith).toBeUndefined();
    clock.advance(300);
    expect(transport.closedWith?.code).toBe(3004);
  });

  it("runs what waits for the connect push once, in order: at its start, at its end, or at once", () => {
    for (const end of [(s: Session) => s.startKeeping(), (s: Session) => s.transportClosed()]) {
      const { session } = setUp();
      session.identify(identity());
      const ran: number[] = [];
      session.onceStarted(() => ran.push(1));
      session.onceStarted(() => ran.push(2));
      expect(ran).toEqual([]);
      end(session);
      session.onceStarted(() => ran.push(3));
      session.transportClosed();
      expect(ran).toEqual([1, 2, 3]);
    }
  });

  it("ends once when the transport loses its client over the last bytes", () => {
    const { transport, closed, session } = setUp();
    transport.write = () => session.transportClosed();
    session.disconnect(disconnect("shutdown"));
    expect(closed).toEqual([session]);
  });

  it("pings after half to one interval, then every interval", async () => {
    const { transport, clock, session } = setUp();
    session.identify(identity());
    session.startKeeping();
    const counts: number[] = [];
    for (const step of [18_700, 200, 24_800, 300]) {
      clock.advance(step);
      await endOfTurn();
      counts.push(transport.messages.length);
    }
    expect(counts).toEqual([0, 1, 1, 2]);
    expect(transport.messages).toEqual([{}, {}]);
  });

  it("does not ping where the transport has no interval", () => {
    const { transport, wheel, session } = setUp();
    transport.pingIntervalMs = 0;
    session.identify(identity());
    session.startKeeping();
    expect(wheel.size).toBe(0);
  });

  it("expires with its credentials and a grace", () => {
    const { transport, clock, session } = setUp();
    session.identify(identity({ expireAtSec: FakeClock.START_WALL_MS / 1000 + 2 }));
    session.startKeeping();
    clock.advance(26_900);
    expect(transport.closedWith).toBeUndefined();
    clock.advance(300);
    expect(transport.closedWith?.code).toBe(3005);
  });

  it("tells its host that it expires, before the grace begins, and once", () => {
    const { transport, clock, expired, session } = setUp();
    session.identify(identity({ expireAtSec: FakeClock.START_WALL_MS / 1000 + 2 }));
    session.startKeeping();
    clock.advance(1900);
    expect(expired).toEqual([]);
    clock.advance(300);
    expect([expired, transport.closedWith]).toEqual([[session], undefined]);
    clock.advance(30_000);
    expect([expired.length, transport.closedWith?.code]).toEqual([1, 3005]);
  });

  it("expires at once where there is no grace, unless its host refreshes it", () => {
    const expireAtSec = FakeClock.START_WALL_MS / 1000 + 2;
    const { transport, clock, host, session } = setUp(new FakeTransport(), {
      ...LIMITS,
      expiredCloseDelayMs: 0,
    });
    const asked: number[] = [];
    host.onSessionExpires = (which) => {
      asked.push(clock.wallMs());
      if (asked.length === 1) which.refresh(expireAtSec + 3, undefined, Buffer.from("1"));
      return asked.length === 1;
    };
    session.identify(identity({ expireAtSec, info: Buffer.from("0") }));
    session.startKeeping();
    clock.advance(2200);
    expect(session.identity).toMatchObject({
      expireAtSec: expireAtSec + 3,
      info: Buffer.from("0"),
      meta: Buffer.from("1"),
    });
    expect(transport.closedWith).toBeUndefined();
    clock.advance(3000);
    expect([asked.length, transport.closedWith?.code]).toEqual([2, 3005]);
  });

  it("goes on while its host finds out whether it may", () => {
    const { transport, clock, host, session } = setUp();
    host.onSessionExpires = () => true;
    session.identify(identity({ expireAtSec: FakeClock.START_WALL_MS / 1000 + 2 }));
    session.startKeeping();
    clock.advance(300_000);
    expect(transport.closedWith).toBeUndefined();
    session.refresh(clock.wallMs() / 1000 + 2);
    host.onSessionExpires = () => false;
    clock.advance(27_200);
    expect(transport.closedWith?.code).toBe(3005);
  });

  it("sends what is queued before the disconnect push", () => {
    const { transport, session } = setUp();
    session.identify(identity());
    session.send(publication("1"));
    session.disconnect(disconnect("shutdown"));
    expect(transport.messages).toEqual([
      { channel: "c", pub: { data: 1 } },
      { disconnect: { code: 3001, reason: "shutdown" } },
    ]);
    session.send(publication("2"));
    session.disconnect(disconnect("stale"));
    expect([transport.messages.length, transport.closedWith?.code]).toEqual([2, 3001]);
  });

  it("leaves out the disconnect push where the transport does", () => {
    const { transport, session } = setUp();
    transport.sendsDisconnectPush = false;
    session.disconnect(disconnect("shutdown"));
    expect(transport.messages).toEqual([]);
    expect(transport.closedWith?.code).toBe(3001);
  });

  it("is cut as slow, with its queue dropped, by the push that exceeds the limit", async () => {
    const { transport, closed, session } = setUp();
    session.identify(identity());
    for (let index = 0; index < 100; index += 1) session.send(publication('"0123456789"'));
    await endOfTurn();
    expect(transport.abortedWith?.code).toBe(3008);
    expect([transport.writes.length, closed.length]).toEqual([0, 1]);
  });

  it("ends with 3506 when its encoding cannot carry a push", () => {
    const textOnly: Codec = {
      id: "none",
      encode: (push) => (push.type === "publication" ? undefined : Buffer.from("{}")),
    };
    const { transport, session } = setUp(new FakeTransport(lineFormat(textOnly)));
    session.send(publication("1"));
    expect(transport.closedWith?.code).toBe(3506);
  });

  it("tells nobody when the client is gone, and releases its timer", () => {
    const { transport, wheel, closed, session } = setUp();
    session.identify(identity());
    session.startKeeping();
    session.transportClosed();
    session.transportClosed();
    expect([transport.writes.length, wheel.size, closed.length]).toEqual([0, 0, 1]);
  });

  it("refuses in the transport's own way where there is one", () => {
    const { transport, session } = setUp();
    transport.refusesInItsOwnWay = true;
    session.refuse(disconnect("invalidToken"), disconnect("invalidToken"));
    expect([transport.refusedWith?.code, transport.messages.length]).toEqual([3500, 0]);
  });
});

describe("Subscription", () => {
  it("holds publications back until released, then keeps their order", async () => {
    const { transport, session } = setUp();
    const subscription = subscribe(session, 1000);
    subscription.deliver(publication("1"));
    subscription.deliver(publication("2"));
    session.send(new EncodedPush({ type: "ping" }));
    subscription.release();
    subscription.deliver(publication("3"));
    await endOfTurn();
    expect(transport.messages).toEqual([{}, ...[1, 2, 3].map((data) => ({ channel: "c", pub: { data } }))]);
  });

  it("cuts a session for which more is held than the limit", () => {
    const { transport, session } = setUp();
    const subscription = subscribe(session, 100);
    for (let index = 0; index < 10; index += 1) subscription.deliver(publication('"0123456789"'));
    expect(transport.abortedWith?.code).toBe(3008);
  });

  function positioned(start: number): ReturnType<typeof setUp> & { subscription: Subscription } {
    const parts = setUp();
    parts.session.identify(identity());
    const subscription = subscribe(parts.session, 10_000, { positioned: true });
    subscription.startAt({ offset: start, epoch: "e" }, false);
    return { ...parts, subscription };
  }

  it("delivers offset after offset, once each, whatever was held and came twice", async () => {
    const { transport, subscription } = positioned(2);
    for (const offset of [1, 2, 3]) subscription.deliver(at(offset));
    subscription.release();
    for (const offset of [3, 4, 4, 5]) subscription.deliver(at(offset));
    await endOfTurn();
    expect(transport.messages.map((push) => (push as { pub: { offset: number } }).pub.offset)).toEqual([
      3, 4, 5,
    ]);
    expect(subscription.position).toEqual({ offset: 5, epoch: "e" });
  });

  it.each([
    ["a gap", at(4)],
    ["another epoch", at(3, "other")],
  ])("uni 87: ends the connection with 3010 on %s", (_what, push) => {
    const { transport, subscription } = positioned(2);
    subscription.release();
    subscription.deliver(push);
    expect(transport.closedWith?.code).toBe(3010);
  });

  it("lets publications without offset pass", async () => {
    const { transport, subscription } = positioned(2);
    subscription.release();
    subscription.deliver(publication("7"));
    await endOfTurn();
    expect(transport.messages).toEqual([{ channel: "c", pub: { data: 7 } }]);
  });

  it("is due for a check only when nothing has come for the delay", () => {
    const { subscription } = positioned(2);
    subscription.release();
    expect(subscription.isCheckDue(0, 40)).toBe(false);
    subscription.deliver(at(3));
    expect(subscription.isCheckDue(100, 40)).toBe(false);
    expect(subscription.isCheckDue(130, 40)).toBe(false);
    expect(subscription.isCheckDue(141, 40)).toBe(true);
    expect(subscription.isInOrder({ offset: 3, epoch: "e" })).toBe(true);
    expect(subscription.isInOrder({ offset: 4, epoch: "e" })).toBe(false);
    expect(subscription.isInOrder({ offset: 3, epoch: "f" })).toBe(false);
  });

  it("hears of joins only if it wants to", async () => {
    const { transport, session } = setUp();
    session.identify(identity());
    const info = { user: "1", client: "x", connInfo: undefined, chanInfo: undefined };
    const join = new EncodedPush({ type: "join", channel: "c", info });
    for (const notices of [NO_NOTICES, JOIN_LEAVE]) {
      const subscription = subscribe(session, 1000, { notices });
      subscription.release();
      subscription.deliverNotice(join);
    }
    await endOfTurn();
    expect(transport.messages).toHaveLength(1);
  });
});
