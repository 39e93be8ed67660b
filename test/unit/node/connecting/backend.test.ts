import { describe, expect, it } from "vitest";
import type {
  ConnectAnswer,
  ConnectQuestion,
  RefreshAnswer,
  RefreshQuestion,
} from "../../../../src/core/backend.ts";
import { clientError } from "../../../../src/core/client-error.ts";
import { Disconnect } from "../../../../src/core/disconnect.ts";
import { NO_LABELS } from "../../../../src/core/label-filter.ts";
import { PLAIN_GRANT, SUBSCRIPTION_SOURCE } from "../../../../src/core/token-verifier.ts";
import { FakeClock } from "../../../support/fake-clock.ts";
import { endOfTurn, type FakeTransport } from "../../../support/fake-transport.ts";
import { openingHeaders } from "../../../support/opening-headers.ts";
import { type LoggedLine, loggerOf } from "../../../support/silent-logger.ts";
import { heardBy, type TestClient, TestNode } from "../../../support/test-node.ts";

const NOW_SEC = FakeClock.START_WALL_MS / 1000;
const NO_TOKEN: TestClient = { request: { token: "" } };
const ANSWER: ConnectAnswer = {
  user: "7",
  expireAtSec: undefined,
  info: undefined,
  meta: undefined,
  labels: NO_LABELS,
  subscriptions: new Map(),
  data: undefined,
};

/** A node whose backend answers the question who a client is. */
function answering(answer: ConnectAnswer | undefined): Promise<TestNode> {
  return TestNode.start({ backend: { connect: () => async () => answer } });
}

function connectPushOf({ messages }: FakeTransport): unknown {
  return messages[0];
}

describe("a client without token", () => {
  it("is who the backend says, with what comes along", async () => {
    const labels = new Map([["plan", "gold"]]);
    const test = await answering({
      ...ANSWER,
      ...{ info: Buffer.from('"i"'), meta: Buffer.from('"m"'), labels, data: Buffer.from('{"hello":1}') },
      subscriptions: new Map([["news", { ...PLAIN_GRANT, data: Buffer.from("2") }]]),
    });
    const { transport } = test.connect(NO_TOKEN);
    await endOfTurn();
    expect(connectPushOf(transport)).toMatchObject({
      connect: { data: { hello: 1 }, subs: { news: { data: 2 } } },
    });
    const [session] = test.node.sessions.ofUser("7");
    expect(session?.identity).toMatchObject({ source: "backend", labels, tokenId: "" });
    expect([session?.identity.info, session?.identity.meta].map(String)).toEqual(['"i"', '"m"']);
    expect(session?.subscriptions.get("news")?.source).toBe(SUBSCRIPTION_SOURCE.connectProxy);
    await test.publish("news", 1);
    await endOfTurn();
    expect(heardBy(transport)).toEqual(["connect", "pub news 1"]);
  });

  it("does not get a channel for the asking, where the backend says who it is", async () => {
    const test = await answering(ANSWER);
    const { transport } = test.connect({ ...NO_TOKEN, subs: { a: {} } });
    await endOfTurn();
    expect(connectPushOf(transport)).toMatchObject({ connect: expect.not.objectContaining({ subs: {} }) });
    expect(await test.counts()).toEqual([1, 1, 0, 0]);
  });

  it("is what the configuration says, where the backend has no opinion", async () => {
    const test = await answering(undefined);
    const { transport } = test.connect({ ...NO_TOKEN, subs: { a: {} } });
    await endOfTurn();
    expect(connectPushOf(transport)).toMatchObject({ connect: { subs: { a: {} } } });
    expect([...test.node.sessions.ofUser("")]).toHaveLength(1);
  });

  it.each([
    ["an error", clientError("tooManyRequests"), 3013],
    ["a disconnect", new Disconnect(4501, "no"), 4501],
  ])("is refused by the backend with %s, which is nobody's fault", async (_what, refusal, code) => {
    const lines: LoggedLine[] = [];
    const backend = { connect: () => () => Promise.reject(refusal) };
    const test = await TestNode.start({ logger: loggerOf(lines, "warn"), backend });
    const { transport } = test.connect(NO_TOKEN);
    await endOfTurn();
    expect([heardBy(transport), transport.closedWith?.code]).toEqual([[`disconnect ${code}`], code]);
    expect(lines).toEqual([]);
  });

  it("is sent away, to come back, when the backend does not answer", async () => {
    const lines: LoggedLine[] = [];
    const failure = new Error("no answer");
    const backend = { connect: () => () => Promise.reject(failure) };
    const test = await TestNode.start({ logger: loggerOf(lines, "warn"), backend });
    const { transport } = test.connect(NO_TOKEN);
    await endOfTurn();
    expect(transport.closedWith?.code).toBe(3004);
    expect(lines).toMatchObject([{ message: "connect failed", err: failure }]);
    expect(await test.counts()).toEqual([0, 0, 0, 0]);
  });

  it.each([
    ["is expired already", { expireAtSec: NOW_SEC }, 3005],
    ["has a channel of an unknown namespace", { subscriptions: new Map([["no:such", PLAIN_GRANT]]) }, 3004],
  ])("is refused when what the backend says %s", async (_what, changes, code) => {
    const test = await answering({ ...ANSWER, ...changes });
    const { transport } = test.connect(NO_TOKEN);
    await endOfTurn();
    expect(transport.closedWith?.code).toBe(code);
  });

  it("that leaves has the question given up, without a word", async () => {
    const lines: LoggedLine[] = [];
    let signal: AbortSignal | undefined;
    const ask = (_question: ConnectQuestion, given: AbortSignal): Promise<never> => {
      signal = given;
      return new Promise((_, reject) => given.addEventListener("abort", () => reject(new Error("aborted"))));
    };
    const test = await TestNode.start({ logger: loggerOf(lines, "warn"), backend: { connect: () => ask } });
    const { transport, connection } = test.connect(NO_TOKEN);
    expect(signal?.aborted).toBe(false);
    connection.closed();
    expect(signal?.aborted).toBe(true);
    await endOfTurn();
    expect([lines, transport.messages]).toEqual([[], []]);
  });

  it("that leaves does not come in by an answer that was under way", async () => {
    const answer = Promise.withResolvers<ConnectAnswer>();
    const test = await TestNode.start({ backend: { connect: () => () => answer.promise } });
    const { transport, connection } = test.connect(NO_TOKEN);
    connection.closed();
    answer.resolve(ANSWER);
    await endOfTurn();
    expect([transport.messages, await test.counts()]).toEqual([[], [0, 0, 0, 0]]);
  });

  it("is asked to come back when the backend takes too long", async () => {
    const ask = (): Promise<never> => new Promise(() => undefined);
    const test = await TestNode.start({ backend: { connect: () => ask } });
    const { transport } = test.connect(NO_TOKEN);
    test.clock.advance(11_000);
    expect(transport.closedWith?.code).toBe(3004);
  });

  it("has a subscription that ends when the backend says so", async () => {
    const grant = { ...PLAIN_GRANT, expireAtSec: NOW_SEC + 30 };
    const test = await answering({ ...ANSWER, subscriptions: new Map([["c", grant]]) });
    const { transport } = test.connect(NO_TOKEN);
    await endOfTurn();
    test.clock.advance(55_000);
    expect(transport.closedWith).toBeUndefined();
    test.clock.advance(28_000);
    expect(transport.closedWith?.code).toBe(3006);
  });
});

describe("the question who a client is", () => {
  /** What the backend is asked about a client. */
  async function askedAbout(
    client: TestClient,
    headers: ReadonlySet<string> | "all" = new Set<string>(),
  ): Promise<ConnectQuestion | undefined> {
    const questions: ConnectQuestion[] = [];
    const ask = async (question: ConnectQuestion): Promise<undefined> => void questions.push(question);
    const test = await TestNode.start({ backend: { headers, connect: () => ask } });
    test.connect(client);
    await endOfTurn();
    return questions[0];
  }

  it("says all that is known of it", async () => {
    const request = { token: "", name: "n", version: "v", data: Buffer.from("1") };
    expect(await askedAbout({ request, subs: { a: {}, b: {} } })).toEqual({
      client: expect.stringMatching(/^[-0-9a-f]{36}$/u),
      ...{ transport: "fake", protocol: "json", address: "192.0.2.1", name: "n", version: "v" },
      data: Buffer.from("1"),
      channels: ["a", "b"],
      headers: { kind: "http", received: new Map(), emulated: new Map() },
    });
  });

  it("is not asked about a client with a token", async () => {
    expect(await askedAbout({ user: "42" })).toBeUndefined();
  });

  const headers = openingHeaders({ cookie: ["a=1", "b=2"], "x-real-ip": "192.0.2.7" }, "grpc");
  const request = {
    token: "",
    headers: new Map([
      ["x-key", "k"],
      ["cookie", "forged"],
    ]),
  };

  it("has the headers that the backend names, and no others", async () => {
    const question = await askedAbout({ headers, request }, new Set(["cookie", "x-none"]));
    expect(question?.headers).toEqual({
      kind: "grpc",
      received: new Map([["cookie", ["a=1", "b=2"]]]),
      emulated: new Map([["cookie", "forged"]]),
    });
  });

  it("has all headers where the backend wants them", async () => {
    const question = await askedAbout({ headers, request }, "all");
    expect(question?.headers).toEqual({
      kind: "grpc",
      received: new Map([
        ["cookie", ["a=1", "b=2"]],
        ["x-real-ip", ["192.0.2.7"]],
      ]),
      emulated: request.headers,
    });
  });

  it("does not look at headers that nobody wants", async () => {
    const unread = (): never => {
      throw new Error("read");
    };
    const transports = [];
    for (const client of [NO_TOKEN, { user: "42" }]) {
      const test = await TestNode.start();
      const opening = { kind: "http", names: unread, valuesOf: unread } as const;
      transports.push(test.connect({ ...client, headers: opening }).transport);
    }
    await endOfTurn();
    expect(transports.map(heardBy)).toEqual([["connect"], ["connect"]]);
  });
});

describe("a connection that the backend refreshes", () => {
  /** A node whose backend gives these answers in turn, with a client that expires in ten seconds. */
  async function refreshed(...answers: readonly (RefreshAnswer | Error)[]) {
    const questions: RefreshQuestion[] = [];
    const lines: LoggedLine[] = [];
    const refresh = async (question: RefreshQuestion): Promise<RefreshAnswer> => {
      const answer = answers[questions.length];
      questions.push(question);
      if (answer === undefined || answer instanceof Error) throw answer ?? new Error("asked too often");
      return answer;
    };
    const test = await TestNode.start({
      logger: loggerOf(lines, "warn"),
      backend: { headers: "all", refresh: () => refresh },
    });
    const headers = openingHeaders({ cookie: "a=1" });
    const { transport } = test.connect({ user: "42", expireAtSec: NOW_SEC + 10, headers });
    await endOfTurn();
    const advance = async (ms: number): Promise<void> => {
      test.clock.advance(ms);
      await endOfTurn();
    };
    return { test, transport, questions, lines, advance };
  }

  const extended = (expireAtSec: number): RefreshAnswer => ({
    ...{ type: "extended", expireAtSec },
    ...{ info: Buffer.from("1"), meta: undefined },
  });

  it("goes on for as long as the backend says, and its client has nothing to do about it", async () => {
    const { test, transport, questions, advance } = await refreshed(extended(NOW_SEC + 20), {
      type: "expired",
    });
    expect(connectPushOf(transport)).toMatchObject({
      connect: expect.not.objectContaining({ expires: true }),
    });
    await advance(9000);
    expect(questions).toEqual([]);
    await advance(1200);
    expect(questions).toMatchObject([
      { user: "42", transport: "fake", headers: { received: new Map([["cookie", ["a=1"]]]) } },
    ]);
    const [session] = test.node.sessions.ofUser("42");
    expect(session?.identity).toMatchObject({ expireAtSec: NOW_SEC + 20, info: Buffer.from("1") });
    await advance(10_000);
    expect([questions.length, transport.closedWith?.code]).toEqual([2, 3005]);
  });

  it.each([
    ["an end that is over", extended(NOW_SEC)],
    ["an error", clientError("permissionDenied")],
    ["a disconnect", new Disconnect(4501, "no")],
  ])("ends with 3005 on %s", async (_what, answer) => {
    const { transport, lines, advance } = await refreshed(answer);
    await advance(10_200);
    expect([transport.closedWith?.code, lines]).toEqual([3005, []]);
  });

  it("goes on for a minute when the backend does not answer, and is asked about again", async () => {
    const failure = new Error("no answer");
    const { transport, questions, lines, advance } = await refreshed(failure, { type: "expired" });
    await advance(10_200);
    expect([questions.length, transport.closedWith]).toEqual([1, undefined]);
    expect(lines).toMatchObject([{ message: "connection not refreshed", err: failure }]);
    await advance(59_000);
    expect(questions).toHaveLength(1);
    await advance(3000);
    expect([questions.length, transport.closedWith?.code]).toEqual([2, 3005]);
  });

  it("lasts a year at most", async () => {
    const { test, advance } = await refreshed(extended(NOW_SEC * 2));
    await advance(10_200);
    const [session] = test.node.sessions.ofUser("42");
    expect(session?.identity.expireAtSec).toBeCloseTo(NOW_SEC + 10 + 365 * 24 * 3600, -1);
  });

  it("that ends has the question given up", async () => {
    const signals: AbortSignal[] = [];
    const refresh = (_question: RefreshQuestion, signal: AbortSignal): Promise<never> => {
      signals.push(signal);
      return new Promise(() => undefined);
    };
    const test = await TestNode.start({ backend: { refresh: () => refresh } });
    const { transport, connection } = test.connect({ user: "42", expireAtSec: NOW_SEC + 10 });
    await endOfTurn();
    test.clock.advance(100_000);
    expect([signals.length, signals[0]?.aborted, transport.closedWith]).toEqual([1, false, undefined]);
    connection.closed();
    expect(signals[0]?.aborted).toBe(true);
  });
});
