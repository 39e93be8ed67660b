import cluster from "node:cluster";
import { once } from "node:events";
import { describe, expect, it, vi } from "vitest";
import { Disconnect } from "../../src/core/disconnect.ts";
import { APP, PusherJsClient, pusherConfig, sdkOf } from "../support/pusher-client.ts";
import { openHttpStream, type PushStream } from "../support/push-stream.ts";
import { type ConfigInput, OPEN, type RunningServer, runServer } from "../support/running-server.ts";
import { PATIENCE_MS } from "../support/signal.ts";
import { hmacToken } from "../unit/auth/tokens.ts";

// Connections go to one worker after the other.
process.env["NODE_CLUSTER_SCHED_POLICY"] = "rr";

const WORKERS: ConfigInput = { node: { workers: "2" } };
const KEPT: ConfigInput = {
  ...OPEN,
  ...WORKERS,
  channel: {
    without_namespace: {
      ...OPEN.channel?.without_namespace,
      history_size: 10,
      history_ttl: "60s",
      force_recovery: true,
      presence: true,
    },
  },
};

/** A client, and what it has been told of where it stands. */
interface Client {
  readonly user: string;
  readonly stream: PushStream;
  readonly epoch: string;
}

async function connect(server: RunningServer, user: string, since?: object): Promise<Client> {
  const subs = { a: since === undefined ? {} : { recover: true, ...since } };
  const stream = await openHttpStream(server, { token: hmacToken({ sub: user }), subs });
  const { connect: told } = await stream.next();
  return { user, stream, epoch: /"epoch":"(\w+)"/u.exec(JSON.stringify(told?.subs))?.[1] ?? "" };
}

function workerIds(): readonly (number | undefined)[] {
  return Object.values(cluster.workers ?? {}).map((worker) => worker?.process.pid);
}

function raise(): never {
  throw new Error("no such client");
}

/** Kills a worker, and resolves once another one serves in its place. */
async function killOne(server: RunningServer): Promise<void> {
  const before = workerIds();
  const [worker] = Object.values(cluster.workers ?? {});
  if (worker === undefined) throw new Error("no worker");
  const listening = once(cluster, "listening");
  worker.process.kill("SIGKILL");
  await listening;
  expect(workerIds()).toHaveLength(2);
  expect(workerIds()).not.toEqual(before);
  expect(server.takeErrors()).toEqual(["worker ended"]);
}

describe("workers", () => {
  it("kill -9 of one costs only its connections, which come back and have lost nothing", async () => {
    await using server = await runServer(KEPT);
    const clients = await Promise.all(["1", "2", "3", "4"].map((user) => connect(server, user)));
    await server.publish("a", 1);
    for (const { stream } of clients) expect((await stream.next()).pub?.data).toBe(1);

    const over = new Set<Client>();
    for (const client of clients) void client.stream.untilOver(PATIENCE_MS * 4).then(() => over.add(client));
    await killOne(server);
    await server.publish("a", 2);
    const [lost, stayed] = [
      clients.filter((client) => over.has(client)),
      clients.filter((client) => !over.has(client)),
    ];
    // A worker that is quicker to take connections may have got more of them.
    expect([lost.length > 0, stayed.length > 0]).toEqual([true, true]);
    for (const { stream } of stayed) expect((await stream.next()).pub?.data).toBe(2);

    // Nothing is left of those that are gone.
    const present = async (): Promise<readonly string[]> =>
      [...(await server.node.channels.presence("a")).values()].map(({ user }) => user).toSorted();
    expect(await present()).toEqual(stayed.map(({ user }) => user));
    const left = stayed.length;
    expect(await server.counts()).toEqual({ clients: left, users: left, channels: 1, subs: left });

    for (const { user, epoch } of lost) {
      const back = await connect(server, user, { offset: 1, epoch });
      expect(back.stream.text).toContain('"publications":[{"data":2,"offset":2');
      expect(back.stream.text).toContain('"recovered":true');
    }
    expect(await present()).toEqual(["1", "2", "3", "4"]);
    await server.publish("a", 3);
    for (const { stream } of stayed) expect((await stream.next()).pub?.data).toBe(3);
  });

  it("one that hangs is found, left out of answers and replaced, and its clients come to another one", async () => {
    await using server = await runServer(KEPT);
    const clients = await Promise.all(["1", "2", "3", "4"].map((user) => connect(server, user)));
    const over = new Set<Client>();
    for (const client of clients) void client.stream.untilOver(PATIENCE_MS * 4).then(() => over.add(client));
    const [worker] = Object.values(cluster.workers ?? {});
    const listening = once(cluster, "listening");
    worker?.process.kill("SIGSTOP");
    await Promise.all([
      server.node.info(),
      server.node.users.block("2", undefined),
      server.node.sessions.disconnect(
        { user: "1", client: "", session: "" },
        new Disconnect(4501, "bye"),
        [],
      ),
    ]);
    await listening;
    const ended = (): readonly string[] => [...over].map(({ user }) => user).toSorted();
    await vi.waitFor(async () => {
      expect(ended()).toEqual(expect.arrayContaining(["1", "2"]));
      expect(over.size + (await server.sessionCount())).toBe(4);
    }, PATIENCE_MS);
    expect(server.takeErrors()).toEqual(["worker hangs: it is killed", "worker ended"]);
    expect(workerIds()).not.toContain(worker?.process.pid);
    for (const { stream } of clients) await stream[Symbol.asyncDispose]();
    const back = await Promise.all(["3", "4", "5", "6"].map((user) => connect(server, user)));
    for (const { stream } of back) await stream[Symbol.asyncDispose]();
  });

  it("a user limited to one connection has one on all of them, and another one when it is lost", async () => {
    const { client } = OPEN;
    await using server = await runServer({
      ...OPEN,
      ...WORKERS,
      client: { ...client, user_connection_limit: 1 },
    });
    const token = hmacToken({ sub: "42" });
    const first = await openHttpStream(server, { token });
    expect((await first.next()).connect).toBeDefined();
    for (let count = 0; count < 3; count++) {
      await using refused = await openHttpStream(server, { token });
      expect((await refused.next()).disconnect?.code).toBe(3504);
    }
    await killOne(server);
    await killOne(server);
    await first.untilOver();
    await using next = await openHttpStream(server, { token });
    expect((await next.next()).connect).toBeDefined();
  });

  it("connections are spread evenly, and commands and questions reach all of them", async () => {
    await using server = await runServer({ ...OPEN, ...WORKERS });
    const streams = await Promise.all(
      Array.from({ length: 10 }, () => openHttpStream(server, { subs: { a: {} } })),
    );
    for (const stream of streams) await stream.next();
    expect(await server.counts()).toEqual({ clients: 10, users: 1, channels: 1, subs: 10 });
    expect(await server.node.channels.list({})).toEqual(new Map([["a", 10]]));
    expect(await server.connectionsOf("")).toHaveLength(10);
    await server.disconnect("", 4501, "bye");
    for (const stream of streams) {
      expect((await stream.next()).disconnect).toEqual({ code: 4501, reason: "bye" });
      await stream.untilEnd();
    }
    expect(await server.sessionCount()).toBe(0);
  });

  it("all of them gone, others come, on the same port", async () => {
    // Of no use to those who get any port.
    const port = 20_000 + (process.pid % 10_000);
    await using server = await runServer({
      ...OPEN,
      ...WORKERS,
      http_server: { address: "127.0.0.1", port },
    });
    const ended = Object.values(cluster.workers ?? {}).map(async (worker) => {
      const exit = once(worker?.process ?? cluster, "exit");
      worker?.process.kill("SIGKILL");
      await exit;
    });
    await Promise.all(ended);
    await vi.waitFor(async () => expect((await fetch(server.url("uni_sse"))).status).toBe(200), {
      timeout: PATIENCE_MS * 2,
    });
    expect(server.takeErrors()).toEqual(["worker ended", "worker ended"]);
  });
});

describe("Pusher on two workers", () => {
  const ROOM = "presence-room";
  const config = { ...pusherConfig({ enable_client_messages: true }), ...WORKERS };

  it("pusher 47: a user with connections on both is one member", async () => {
    await using server = await runServer(config);
    using watcher = await PusherJsClient.connect(server, { user: { id: "w" } });
    await watcher.subscribe(ROOM);
    using here = await PusherJsClient.connect(server, { user: { id: "1" } });
    using there = await PusherJsClient.connect(server, { user: { id: "1" } });
    const members = await Promise.all([here.subscribe(ROOM), there.subscribe(ROOM)]);
    expect(members).toHaveLength(2);
    here.pusher.disconnect();
    await server.untilSessions(2);
    there.pusher.disconnect();
    await watcher.until(`${ROOM} pusher:member_removed`);
    const heard = watcher.eventsOf(ROOM).filter((event) => event.startsWith("pusher:member"));
    expect(heard).toEqual([
      expect.stringMatching(/^pusher:member_added .*"id":"1"/u),
      expect.stringMatching(/^pusher:member_removed .*"id":"1"/u),
    ]);
  });

  it("pusher 48: members of a worker that dies are told to have gone", async () => {
    await using server = await runServer(config);
    const users = ["1", "2", "3", "4"];
    const clients = await Promise.all(users.map((id) => PusherJsClient.connect(server, { user: { id } })));
    for (const client of clients) await client.subscribe(ROOM);
    await killOne(server);
    // Those of the worker that is gone come back to others.
    await server.untilSessions(4);
    const hasLeft = (client: PusherJsClient): boolean => client.heard.includes("state connecting");
    const gone = users.filter((_, at) => hasLeft(clients[at] ?? raise()));
    // A worker that is quicker to take connections may have got more of them.
    expect([1, 2, 3]).toContain(gone.length);
    for (const client of clients.filter((one) => !hasLeft(one))) {
      for (const user of gone) {
        await client.until(`${ROOM} pusher:member_removed {"id":"${user}"`);
      }
    }
    for (const client of clients) client[Symbol.dispose]();
  });

  it("pusher 62: a client event reaches subscribers on the other one", async () => {
    await using server = await runServer(config);
    const clients = [];
    for (let count = 0; count < 3; count++) clients.push(await PusherJsClient.connect(server));
    const [sender, ...others] = clients;
    for (const client of clients) await client.subscribe("private-a");
    sender?.pusher.channel("private-a")?.trigger("client-e", "hi");
    for (const client of others)
      expect(await client.until("private-a client-e")).toBe('private-a client-e "hi"');
    for (const client of clients) client[Symbol.dispose]();
  });

  it("pusher 79: an excluded socket does not get an event, whichever of them publishes it", async () => {
    await using server = await runServer(config);
    using one = await PusherJsClient.connect(server);
    using two = await PusherJsClient.connect(server);
    for (const client of [one, two]) await client.subscribe("a");
    const sdk = sdkOf(server);
    // Requests go to one worker after the other.
    for (let count = 0; count < 4; count++)
      await sdk.trigger("a", `own ${count}`, 1, { socket_id: one.socketId });
    await sdk.trigger("a", "all", 2);
    for (const client of [one, two]) await client.until("a all");
    expect(one.eventsOf("a").slice(1)).toEqual(["all 2"]);
    expect(two.eventsOf("a").slice(1)).toEqual(["own 0 1", "own 1 1", "own 2 1", "own 3 1", "all 2"]);
  });

  it("max_connections of an app hold on all of them together", async () => {
    await using server = await runServer({ ...pusherConfig({ max_connections: 2 }), ...WORKERS });
    using one = await PusherJsClient.connect(server);
    using two = await PusherJsClient.connect(server);
    using third = new PusherJsClient(server, { key: APP.key });
    expect(await third.until("error")).toContain('"code":4004');
    for (const client of [one, two]) await client.subscribe("a");
  });
});
