import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { Disconnect, disconnect } from "../../src/core/disconnect.ts";
import type { Transport } from "../../src/core/transport.ts";
import { PATIENCE_MS } from "../support/signal.ts";
import {
  type AcceptedConnection,
  type TransportClient,
  type TransportKind,
  TransportServer,
} from "./transport-harness.ts";

/** Around the limits of length fields. */
const LENGTHS = [1, 124, 125, 126, 127, 128, 65_535, 65_536, 200_000];
/** Compression does not make it small. */
const LARGE = JSON.stringify(randomBytes(500_000).toString("hex"));
const SHUTDOWN = disconnect("shutdown");
/** Clients go by the code, so the text may be as long as a close frame can say. */
const LONG_REASON = new Disconnect(4999, "é".repeat(61));
/** What a timer of the wheel may be late by. */
const TICK_MS = 100;

/** What every transport promises; see the port in core/transport.ts. */
export function describeTransportContract(label: string, kind: TransportKind): void {
  describe(`transport contract: ${label}`, () => {
    it("says what it is, and who is at the other end", async () => {
      await using server = await TransportServer.start(kind);
      const [, { transport }] = await server.connect();
      const { name, protocol, pingIntervalMs, sendsDisconnectPush, peerAddress } = transport;
      expect({ name, protocol, pingIntervalMs, sendsDisconnectPush, peerAddress }).toEqual({
        name: kind.name,
        protocol: kind.protocol,
        pingIntervalMs: kind.pingIntervalMs,
        sendsDisconnectPush: kind.sendsDisconnectPush,
        peerAddress: "127.0.0.1",
      });
      expect(transport.deltaFormats !== undefined).toBe(kind.hasDeltas);
      expect(transport.eventIds !== undefined).toBe(kind.hasEventIds === true);
      expect(transport.latencyMs ?? -1).toBe(-1);
      await untilDrained(transport);
    });

    it("hands over the headers of the request that opened it, each with all its values", async () => {
      await using server = await TransportServer.start(kind);
      const [, connection] = await server.connect();
      const headers = await connection.opened();
      const isCall = kind.name === "uni_grpc" || kind.name === "uni_connect";
      expect(headers.kind).toBe(isCall ? "grpc" : "http");
      const read = (name: string): string => headers.valuesOf(name).join(", ");
      expect(["x-many", "x-one", "x-none"].map(read)).toEqual(["1, 2", "a, b", ""]);
      // A proxy in front may vouch for them, and is told from a client by that.
      const isExact = headers.valuesOf("x-many").length === 2;
      expect(isExact || isCall).toBe(true);
      const names = [...headers.names()];
      expect(names).toEqual(expect.arrayContaining(["x-many", "x-one"]));
      expect(new Set(names).size).toBe(names.length);
      expect(names.filter((name) => !/^[a-z0-9-]+$/u.test(name))).toEqual([]);
      await untilDrained(connection.transport);
    });

    it("has the same formats for all of its connections, which share frames by them", async () => {
      await using server = await TransportServer.start(kind);
      const [, { transport: one }] = await server.connect();
      const [, { transport: two }] = await server.connect();
      expect(one.format).toBe(two.format);
      expect(one.deltaFormats?.whole).toBe(two.deltaFormats?.whole);
      expect(one.deltaFormats?.patch).toBe(two.deltaFormats?.patch);
    });

    describe("messages", () => {
      it("come whole and in order, written one by one", async () => {
        await using server = await TransportServer.start(kind);
        const [client, connection] = await server.connect();
        const texts = LENGTHS.map((length) => textOf(length));
        for (const text of texts) connection.write(text);
        expect(await textsOf(client, texts.length)).toEqual(texts);
      });

      it("come whole and in order, written at once", async () => {
        await using server = await TransportServer.start(kind);
        const [client, connection] = await server.connect();
        const texts = Array.from({ length: 100 }, (_, index) => `{"n":${index}}`);
        connection.write(...texts.slice(0, 60));
        connection.write(...texts.slice(60));
        expect(await textsOf(client, texts.length)).toEqual(texts);
      });

      it("come as they were, whatever is in them", async () => {
        await using server = await TransportServer.start(kind);
        const [client, connection] = await server.connect();
        const texts = [
          '"é 日本 🙂 \u2028\u2029\ufeff"',
          JSON.stringify("data: x\n\nid: 1\r\n\0"),
          '{"data":": "}',
          "0\r\n\r\n".replace(/[\r\n]/gu, " "),
        ];
        const anything =
          kind.protocol === "json" ? [] : [Buffer.from(Array.from({ length: 256 }, (_, at) => at)), ""];
        const messages = [...texts, ...anything];
        for (const message of messages) connection.write(message);
        await untilMessages(client, messages.length);
        expect(client.messages).toEqual(messages.map((message) => Buffer.from(message)));
      });

      it("may be written as soon as the connection is accepted", async () => {
        await using server = await TransportServer.start(kind);
        server.protocol.onAccept = (connection) => connection.write('"welcome"');
        const [client, connection] = await server.connect();
        connection.write('"more"');
        expect(await textsOf(client, 2)).toEqual(['"welcome"', '"more"']);
      });

      it.runIf(kind.hasEventIds)("come behind an event id as without", async () => {
        await using server = await TransportServer.start(kind);
        const [client, connection] = await server.connect();
        const { transport } = connection;
        const eventId = transport.eventIds?.eventIdOf(new Map([["news", { offset: 1, epoch: "e" }]]));
        if (eventId === undefined) throw new Error("no event id");
        connection.write('"before"');
        transport.write(transport.format.join([eventId, transport.format.frame(Buffer.from('"after"'))]));
        transport.write(eventId);
        connection.write('"again"');
        expect(await textsOf(client, 3)).toEqual(['"before"', '"after"', '"again"']);
      });
    });

    describe("a client that does not read", () => {
      it("has what waits counted, until it takes it", async () => {
        await using server = await TransportServer.start(kind);
        const [client, connection] = await server.connect();
        const count = await fill(client, connection);
        const waiting = connection.transport.bufferedBytes;
        connection.write(LARGE);
        expect(connection.transport.bufferedBytes).toBeGreaterThan(waiting);
        client.resume();
        await untilMessages(client, count + 1);
        await untilDrained(connection.transport);
      });

      it("holds up nobody else", async () => {
        await using server = await TransportServer.start(kind);
        const [slow, toSlow] = await server.connect();
        await fill(slow, toSlow);
        const [client, connection] = await server.connect();
        connection.write('"quick"');
        expect(await textsOf(client, 1)).toEqual(['"quick"']);
        await untilDrained(connection.transport);
      });

      it("gets all that was written before the end, and then the end", async () => {
        await using server = await TransportServer.start(kind);
        const [client, connection] = await server.connect();
        const count = await fill(client, connection);
        connection.write('"last"');
        connection.transport.close(SHUTDOWN);
        client.resume();
        await untilEnd(client);
        expect(client.end).toBe(kind.ends.closed(SHUTDOWN));
        const lengths = Array.from({ length: count - 1 }, () => LARGE.length);
        expect(client.messages.slice(1, count).map(({ length }) => length)).toEqual(lengths);
        expect(client.messages[count]?.toString()).toBe('"last"');
        await connection.untilClosed();
      });

      it("is let go when it does not take what it is sent last", async () => {
        await using server = await TransportServer.start(kind);
        const [client, connection] = await server.connect();
        await fill(client, connection);
        connection.transport.close(SHUTDOWN);
        server.clock.advance(kind.patienceMs - TICK_MS);
        await turn();
        expect(connection.transport.bufferedBytes).toBeGreaterThan(0);
        // What had begun to go out when the time began to count is looked at once more.
        for (let looks = 0; looks < 20 && connection.closedCount === 0; looks++) {
          server.clock.advance(kind.patienceMs + TICK_MS);
          await turn();
        }
        await connection.untilClosed();
        expect(connection.transport.bufferedBytes).toBe(0);
        client.resume();
        await untilEnd(client);
        expect(client.end).toBe(kind.ends.cut);
      });

      it("is cut by an abort, which frees what waits", async () => {
        await using server = await TransportServer.start(kind);
        const [client, connection] = await server.connect();
        await fill(client, connection);
        connection.write('"last"');
        connection.transport.abort(disconnect("slow"));
        await connection.untilClosed();
        expect(connection.transport.bufferedBytes).toBe(0);
        client.resume();
        await untilEnd(client);
        expect(client.end).toBe(kind.ends.cut);
        expect(client.messages.map(String)).not.toContain('"last"');
      });

      it("is cut by an abort even while it is being closed", async () => {
        await using server = await TransportServer.start(kind);
        const [client, connection] = await server.connect();
        await fill(client, connection);
        connection.transport.close(SHUTDOWN);
        connection.transport.abort(disconnect("slow"));
        await connection.untilClosed();
        expect(connection.transport.bufferedBytes).toBe(0);
        client.resume();
        await untilEnd(client);
        expect(client.end).toBe(kind.ends.cut);
      });
    });

    describe("its end", () => {
      const { lastWords = [] } = kind;

      it.each([SHUTDOWN, LONG_REASON])("comes once, behind everything written: %s", async (reason) => {
        await using server = await TransportServer.start(kind);
        const [client, connection] = await server.connect();
        const { transport } = connection;
        connection.write('"one"', '"two"');
        connection.write('"three"');
        transport.close(reason);
        connection.write('"late"');
        transport.close(disconnect("slow"));
        await untilEnd(client);
        await connection.untilClosed();
        expect(client.end).toBe(kind.ends.closed(reason));
        expect(client.messages.map(String)).toEqual(['"one"', '"two"', '"three"', ...lastWords]);
      });

      it("may come before anything is written", async () => {
        await using server = await TransportServer.start(kind);
        const [client, connection] = await server.connect();
        connection.transport.close(SHUTDOWN);
        await untilEnd(client);
        await connection.untilClosed();
        expect(client.end).toBe(kind.ends.closed(SHUTDOWN));
        expect(client.messages.map(String)).toEqual(lastWords);
      });

      it("may come as soon as the connection is accepted", async () => {
        await using server = await TransportServer.start(kind);
        server.protocol.onAccept = ({ transport }) => transport.close(SHUTDOWN);
        const [client, connection] = await server.connect();
        await untilEnd(client);
        await connection.untilClosed();
        expect(client.end).toBe(kind.ends.closed(SHUTDOWN));
        expect(client.messages.map(String)).toEqual(lastWords);
      });

      it("comes at once by an abort", async () => {
        await using server = await TransportServer.start(kind);
        const [client, connection] = await server.connect();
        connection.write('"one"');
        await untilMessages(client, 1);
        connection.transport.abort(SHUTDOWN);
        connection.write('"late"');
        connection.transport.abort(disconnect("slow"));
        connection.transport.close(disconnect("slow"));
        await untilEnd(client);
        await connection.untilClosed();
        expect(client.end).toBe(kind.ends.aborted(SHUTDOWN));
        expect(client.messages.map(String)).toEqual([
          '"one"',
          ...(kind.ends.aborted === kind.ends.closed ? lastWords : []),
        ]);
      });

      it.each<[string, (client: TransportClient) => void]>([
        ["leaves", (client) => client.leave()],
        ["ends its side of the connection", ({ socket }) => void socket.end()],
        ["closes the connection", ({ socket }) => void socket.destroy()],
        ["resets the connection", ({ socket }) => void socket.resetAndDestroy()],
      ])("is told once when the client %s", async (_how, leave) => {
        await using server = await TransportServer.start(kind);
        const [client, connection] = await server.connect();
        connection.write('"one"');
        await untilMessages(client, 1);
        leave(client);
        await Promise.all([connection.untilClosed(), untilEnd(client)]);
        expect(connection.transport.bufferedBytes).toBe(0);
        // TCP may end later.
        await server.stop();
        expect(connection.closedCount).toBe(1);
      });

      it("is told, too, where the client leaves as soon as it has come", async () => {
        await using server = await TransportServer.start(kind);
        for (let count = 0; count < 10; count++) await server.connectAndLeave();
        await server.connect();
        await server.stop();
        expect(server.protocol.connections.map(({ closedCount }) => closedCount)).not.toContain(0);
      });

      it.each<[string, (connection: AcceptedConnection, client: TransportClient) => void]>([
        ["the client's leave", (_connection, client) => client.leave()],
        ["a close", ({ transport }) => transport.close(SHUTDOWN)],
        ["an abort", ({ transport }) => transport.abort(SHUTDOWN)],
      ])("is the end: nothing that is done after %s throws, or does anything", async (_how, end) => {
        await using server = await TransportServer.start(kind);
        const [client, connection] = await server.connect();
        const { transport } = connection;
        connection.write('"one"');
        await untilMessages(client, 1);
        end(connection, client);
        await connection.untilClosed();
        const received = client.messages.length;
        connection.write('"late"');
        transport.refuse(SHUTDOWN);
        transport.close(SHUTDOWN);
        transport.abort(SHUTDOWN);
        transport.close(SHUTDOWN);
        expect([transport.bufferedBytes, typeof transport.peerAddress]).toEqual([0, "string"]);
        await server.stop();
        expect(connection.closedCount).toBe(1);
        expect(client.messages.slice(received).map(String)).not.toContain('"late"');
      });
    });

    describe("a connect that fails", () => {
      const { refusal } = kind;

      it.runIf(refusal !== undefined)(
        "is answered in the transport's own way, and nothing follows",
        async () => {
          await using server = await TransportServer.start(kind);
          const [client, connection] = await server.connect();
          const { transport } = connection;
          expect(transport.refuse(SHUTDOWN)).toBe(true);
          transport.refuse(disconnect("slow"));
          connection.write('"late"');
          transport.close(SHUTDOWN);
          await untilEnd(client);
          await connection.untilClosed();
          expect(client.end).toBe(refusal?.(SHUTDOWN));
          expect(client.messages).toEqual([]);
        },
      );

      it.runIf(refusal === undefined)("is left to the protocol, and changes nothing", async () => {
        await using server = await TransportServer.start(kind);
        const [client, connection] = await server.connect();
        expect(connection.transport.refuse(SHUTDOWN)).toBe(false);
        connection.write('"one"');
        expect(await textsOf(client, 1)).toEqual(['"one"']);
      });

      it("is left to the protocol once something was written", async () => {
        await using server = await TransportServer.start(kind);
        const [client, connection] = await server.connect();
        connection.write('"one"');
        expect(connection.transport.refuse(SHUTDOWN)).toBe(false);
        connection.write('"two"');
        expect(await textsOf(client, 2)).toEqual(['"one"', '"two"']);
      });
    });
  });
}

/** A message of so many bytes, which JSON may have as well. */
function textOf(length: number): string {
  return length === 1 ? "1" : `"${"x".repeat(length - 2)}"`;
}

/** Writes to a client that does not read until something waits; returns how many messages it was sent. */
async function fill(client: TransportClient, connection: AcceptedConnection): Promise<number> {
  connection.write('"first"');
  await untilMessages(client, 1);
  client.pause();
  let count = 1;
  while (connection.transport.bufferedBytes === 0 && count < 100) {
    connection.write(LARGE);
    count += 1;
    await turn();
  }
  expect(connection.transport.bufferedBytes).toBeGreaterThan(0);
  return count;
}

async function textsOf(client: TransportClient, count: number): Promise<readonly string[]> {
  await untilMessages(client, count);
  return client.messages.map(String);
}

function untilMessages(client: TransportClient, count: number): Promise<void> {
  return client.until(() => client.messages.length >= count, `${count} messages`);
}

function untilEnd(client: TransportClient): Promise<void> {
  return client.until(() => client.end !== undefined, "end");
}

async function untilDrained(transport: Transport): Promise<void> {
  await expect.poll(() => transport.bufferedBytes, { timeout: PATIENCE_MS }).toBe(0);
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
