import { NO_METRICS } from "../../../../src/core/metrics.ts";
import { describe, expect, it } from "vitest";
import type { EntryChange, EntryStore, StoredEntry } from "../../../../src/core/entry-store.ts";
import { SlicedWork } from "../../../../src/lib/sliced-work.ts";
import { TimerWheel } from "../../../../src/lib/timer-wheel.ts";
import { AccessList } from "../../../../src/node/control/access-list.ts";
import { AccessEnforcer } from "../../../../src/node/control/access-enforcer.ts";
import { UserControl } from "../../../../src/node/control/user-control.ts";
import type { NodeCalls } from "../../../../src/node/cluster/calls.ts";
import { Cluster } from "../../../../src/node/cluster/cluster.ts";
import { UserStatuses } from "../../../../src/node/control/user-statuses.ts";
import { FlushList } from "../../../../src/session/outbox.ts";
import { LONE_BUS } from "../../../../src/core/control-bus.ts";
import { Session } from "../../../../src/session/session.ts";
import { accessSubject } from "../../../support/access-subject.ts";
import { FakeClock } from "../../../support/fake-clock.ts";
import { endOfTurn, FakeTransport } from "../../../support/fake-transport.ts";
import { NO_LABELS } from "../../../../src/core/label-filter.ts";

const NOW_SEC = FakeClock.START_WALL_MS / 1000;
const NO_LIMITS = { outboxMaxBytes: 1000, staleCloseDelayMs: 0, expiredCloseDelayMs: 0, tickIntervalMs: 0 };
const RETENTION = { ttlSec: 0, maxEntries: 0 };

/** A store that keeps what it is told, or fails. */
class SpyStore implements EntryStore {
  readonly isDurable = true;
  readonly writes: (readonly EntryChange[])[] = [];
  failure: Error | undefined;

  async load(): Promise<readonly StoredEntry[]> {
    return [];
  }

  async write(changes: readonly EntryChange[]): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    this.writes.push(changes);
  }

  async close(): Promise<void> {}
}

/** Control over sessions that are in a list. */
function setUp({ hasStatuses = true } = {}) {
  const clock = new FakeClock();
  const store = new SpyStore();
  const sessions = new Set<Session>();
  const transports: FakeTransport[] = [];
  const errors: unknown[] = [];
  const logger = {
    debug: () => undefined,
    info: () => undefined,
    warn: () => undefined,
    error: (fields: Readonly<Record<string, unknown>>) => void errors.push(fields["err"]),
  };
  const retention = { blocks: RETENTION, revocations: RETENTION, invalidations: RETENTION };
  const statuses = new UserStatuses({ store, clock, ttlSec: 60, maxUsers: 0, statePattern: /^[a-z]*$/u });
  const sessionsOf = (user: string): Set<Session> =>
    new Set([...sessions].filter((session) => session.user === user));
  const access = new AccessEnforcer({
    access: new AccessList({ store, clock, ...retention }),
    sessions: () => sessions,
    sessionsOf,
    slices: new SlicedWork({ nowMs: () => clock.monotonicMs(), sliceMs: 5 }),
    clock,
  });
  const calls: Partial<NodeCalls> = {
    block: ({ id, expireAtSec }) => access.block(id, expireAtSec),
    unblock: (user) => access.unblock(user),
    revokeToken: ({ id, expireAtSec }) => access.revokeToken(id, expireAtSec),
    invalidateTokens: (command) => access.invalidateTokens(command),
    connectedUsers: async (some) => some.filter((user) => sessionsOf(user).size > 0),
  };
  const metrics = NO_METRICS;
  const identity = { uid: "n", machine: "n", name: "n", version: "1" };
  const cluster = new Cluster({ ...identity, bus: LONE_BUS, heartbeat: undefined, clock, logger, metrics });
  // Nothing else is called.
  cluster.serve(calls as NodeCalls);
  const users = new UserControl({
    access,
    statuses: hasStatuses ? statuses : undefined,
    cluster,
    clock,
    logger,
  });
  const host = {
    onSessionClosed: (session: Session): void => void sessions.delete(session),
    onSessionExpires: () => false,
    onSessionTick: () => undefined,
  };
  const wheel = new TimerWheel(clock);
  const context = {
    host,
    flushList: new FlushList(),
    wheel,
    clock,
    logger,
    limits: NO_LIMITS,
    random: () => 0,
  };
  /** Connects a client, whatever the list says. */
  const connect = (subject: Parameters<typeof accessSubject>[0]): FakeTransport => {
    const transport = new FakeTransport();
    const session = new Session(transport, context);
    session.identify({
      ...accessSubject(subject),
      ...{ expireAtSec: undefined, info: undefined, meta: undefined, appName: "", appVersion: "" },
      labels: NO_LABELS,
    });
    sessions.add(session);
    transports.push(transport);
    return transport;
  };
  return { clock, store, users, connect, errors };
}

const codesOf = (...transports: readonly FakeTransport[]): (number | undefined)[] =>
  transports.map((transport) => transport.closedWith?.code);

describe("UserControl", () => {
  it("api 99: block closes the user's connections with 3503 and refuses new ones with 3507", async () => {
    const { users, connect } = setUp();
    const clients = [
      connect({ user: "42" }),
      connect({ user: "42", source: "header" }),
      connect({ user: "43" }),
    ];
    await users.block("42", undefined);
    expect(codesOf(...clients)).toEqual([3503, 3503, undefined]);
    expect(() => users.checkAccess(accessSubject({ user: "42" }))).toThrow("3507 permission denied");
    await users.unblock("42");
    users.checkAccess(accessSubject({ user: "42" }));
  });

  it("revoke closes the connections of one token with 3014 and refuses it with 109", async () => {
    const { users, connect } = setUp();
    const clients = [
      connect({ tokenId: "a" }),
      connect({ tokenId: "a" }),
      connect({ tokenId: "b" }),
      connect({}),
    ];
    await users.revokeToken("a", undefined);
    expect(codesOf(...clients)).toEqual([3014, 3014, undefined, undefined]);
    expect(clients[0]?.closedWith?.reason).toBe("state invalidated");
    const refuse = (): void => users.checkAccess(accessSubject({ tokenId: "a" }));
    expect(refuse).toThrow(expect.objectContaining({ code: 109, message: "token expired" }));
  });

  it("api 100: invalidate voids tokens issued before now unless told otherwise", async () => {
    const { users, connect } = setUp();
    const issued = (issuedAtSec: number): FakeTransport => connect({ user: "42", issuedAtSec });
    const clients = [issued(0), issued(NOW_SEC - 1), issued(NOW_SEC), issued(NOW_SEC + 1)];
    const command = { user: "42", channel: "", issuedBeforeSec: undefined, expireAtSec: undefined };
    await users.invalidateTokens({ ...command, issuedBeforeSec: 1 });
    expect(codesOf(...clients)).toEqual([3014, undefined, undefined, undefined]);
    await users.invalidateTokens({ ...command, channel: "a" });
    expect(codesOf(...clients)).toEqual([3014, undefined, undefined, undefined]);
    await users.invalidateTokens(command);
    expect(codesOf(...clients)).toEqual([3014, 3014, undefined, undefined]);
  });

  it("what ends in the past changes nothing", async () => {
    const { users, connect, store } = setUp();
    const client = connect({ user: "42", tokenId: "a" });
    await users.block("42", NOW_SEC);
    await users.revokeToken("a", NOW_SEC - 1);
    await users.invalidateTokens({ user: "42", channel: "", issuedBeforeSec: undefined, expireAtSec: 1 });
    expect(codesOf(client)).toEqual([undefined]);
    expect(store.writes).toEqual([]);
  });

  it("a block that cannot be written counts all the same, and the call fails", async () => {
    const { users, connect, store } = setUp();
    const client = connect({ user: "42" });
    store.failure = new Error("no space left");
    await expect(users.block("42", undefined)).rejects.toThrow("no space left");
    expect(codesOf(client)).toEqual([3503]);
  });

  it("enforce ends a session that was locked out on its way in", async () => {
    const { users, connect } = setUp();
    await users.block("42", undefined);
    const late = connect({ user: "42" });
    await users.block("42", undefined);
    expect(codesOf(late)).toEqual([3503]);
  });

  it("connected users are online now, others were last seen", async () => {
    const { clock, users, connect } = setUp();
    connect({ user: "1" });
    users.seen("1");
    users.seen("2");
    users.seen("");
    clock.advance(10_000);
    expect(await users.statuses(["1", "2", ""])).toEqual([
      { user: "1", activeSec: 0, onlineSec: NOW_SEC + 10, state: "" },
      { user: "2", activeSec: 0, onlineSec: NOW_SEC, state: "" },
      { user: "", activeSec: 0, onlineSec: 0, state: "" },
    ]);
  });

  it("refuses a state that does not match, or is too long, with 107", async () => {
    const { users } = setUp();
    await expect(users.updateStatus(["1"], "NO")).rejects.toMatchObject({ code: 107 });
    await expect(users.updateStatus(["1"], "a".repeat(1025))).rejects.toMatchObject({ code: 107 });
    await users.updateStatus(["1"], "a".repeat(1024));
  });

  it("answers 108 where statuses are switched off", async () => {
    const { users } = setUp({ hasStatuses: false });
    users.seen("1");
    await expect(users.updateStatus(["1"], "")).rejects.toMatchObject({ code: 108 });
    await expect(users.statuses(["1"])).rejects.toMatchObject({ code: 108 });
    await expect(users.deleteStatuses(["1"])).rejects.toMatchObject({ code: 108 });
  });

  it("saves who was seen every ten seconds, once each, and what is left when it closes", async () => {
    const { clock, store, users } = setUp();
    await users.start();
    for (const user of ["1", "2", "1"]) users.seen(user);
    for (let second = 0; second < 10; second++) {
      expect(store.writes).toEqual([]);
      clock.advance(1000);
      await endOfTurn();
    }
    expect(store.writes.map((changes) => changes.length)).toEqual([2]);
    users.seen("3");
    await users.close();
    expect(store.writes.map((changes) => changes.length)).toEqual([2, 1]);
    expect(clock.isTicking).toBe(false);
  });

  it("forgets what has expired, in memory and in the store", async () => {
    const { clock, store, users } = setUp();
    await users.start();
    await users.block("42", NOW_SEC + 1);
    clock.advance(1000);
    await endOfTurn();
    expect(store.writes.at(-1)).toEqual([{ type: "remove", table: "user_block", key: "42" }]);
  });

  it("logs a store that fails, and saves later", async () => {
    const { clock, store, users, errors } = setUp();
    await users.start();
    users.seen("1");
    store.failure = new Error("no space left");
    for (let second = 0; second < 10; second++) {
      clock.advance(1000);
      await endOfTurn();
    }
    expect(errors).toEqual([store.failure]);
    store.failure = undefined;
    await users.close();
    expect(store.writes).toHaveLength(1);
  });
});
