import { describe, expect, it } from "vitest";
import { disconnect } from "../../../src/core/disconnect.ts";
import { EncodedPush } from "../../../src/core/encoded-push.ts";
import { Publication } from "../../../src/core/publication.ts";
import type { Codec } from "../../../src/core/wire-format.ts";
import { TimerWheel } from "../../../src/lib/timer-wheel.ts";
import { FlushList } from "../../../src/session/outbox.ts";
import { Session, type SessionIdentity, type SessionLimits } from "../../../src/session/session.ts";
import { PLAIN_GRANT, Subscription } from "../../../src/session/subscription.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { endOfTurn, FakeTransport, lineFormat } from "../../support/fake-transport.ts";
import { silentLogger } from "../../support/silent-logger.ts";

const LIMITS: SessionLimits = {
  outboxMaxBytes: 1000,
  staleCloseDelayMs: 10_000,
  expiredCloseDelayMs: 25_000,
};

function setUp(transport = new FakeTransport(), limits: SessionLimits = LIMITS) {
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock);
  const closed: Session[] = [];
  const session = new Session(transport, {
    host: { onSessionClosed: (which) => closed.push(which) },
    flushList: new FlushList(),
    wheel,
    clock,
    logger: silentLogger,
    limits,
    random: () => 0.5,
  });
  return { transport, clock, wheel, closed, session };
}

function identity(changes: Partial<SessionIdentity> = {}): SessionIdentity {
  return {
    user: "42",
    expireAtSec: undefined,
    info: undefined,
    meta: undefined,
    appName: "",
    appVersion: "",
    ...changes,
  };
}

function publication(text: string): EncodedPush {
  return new EncodedPush({
    type: "publication",
    channel: "c",
    publication: new Publication({ data: Buffer.from(text) }),
  });
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

  it("pings after half to one interval, then every interval", async () => {
    const { transport, clock, session } = setUp();
    session.identify(identity());
    session.startPings();
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
    session.startPings();
    expect(wheel.size).toBe(0);
  });

  it("expires with its credentials and a grace", () => {
    const { transport, clock, session } = setUp();
    session.identify(identity({ expireAtSec: FakeClock.START_WALL_MS / 1000 + 2 }));
    clock.advance(26_900);
    expect(transport.closedWith).toBeUndefined();
    clock.advance(300);
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
    session.startPings();
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
    const subscription = new Subscription(session, "c", PLAIN_GRANT, 1000);
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
    const subscription = new Subscription(session, "c", PLAIN_GRANT, 100);
    for (let index = 0; index < 10; index += 1) subscription.deliver(publication('"0123456789"'));
    expect(transport.abortedWith?.code).toBe(3008);
  });
});
