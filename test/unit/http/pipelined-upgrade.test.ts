import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { connect as connectTls } from "node:tls";
import { expect, it } from "vitest";
import { AttachedHttp } from "../../../src/app/attached-http.ts";
import { HttpApp } from "../../../src/http/http-app.ts";
import { HttpListener } from "../../../src/http/http-listener.ts";
import type { TlsCredentials } from "../../../src/lib/tls-credentials.ts";
import { httpRequest, RawConnection } from "../../support/raw-connection.ts";
import { Signal } from "../../support/signal.ts";
import { silentLogger } from "../../support/silent-logger.ts";
import { createIdentity } from "../../support/tls-identity.ts";

const SLOW = httpRequest("GET", "/slow");
const UPGRADE = httpRequest("GET", "/talk", { headers: { Connection: "Upgrade", Upgrade: "talk" } });

/** A server that answers `/slow` when it is told to, and takes upgrades at `/talk`. */
interface PipelineServer extends AsyncDisposable {
  readonly port: number;
  /** The next response that waits. */
  nextSlow(): Promise<ServerResponse>;
}

async function listen(kind: "own" | "secure" | "attached"): Promise<PipelineServer> {
  const waiting: ServerResponse[] = [];
  const signal = new Signal();
  const app = new HttpApp(
    [
      {
        path: "/slow",
        handle(_request, response) {
          waiting.push(response);
          signal.notify();
        },
      },
      {
        path: "/talk",
        handle: (_request, response) => void response.end("ignored"),
        upgrade: (_request, socket) => void socket.end("HTTP/1.1 101 Switching Protocols\r\n\r\ntalk"),
      },
    ],
    silentLogger,
  );
  const { port, close } =
    kind === "attached"
      ? await listenOnHost(app)
      : await listenAlone(app, kind === "secure" ? createIdentity() : undefined);
  return {
    port,
    async nextSlow() {
      await signal.until(() => waiting.length > 0, "request");
      const [response] = waiting.splice(0, 1);
      if (response === undefined) throw new Error("no response");
      return response;
    },
    [Symbol.asyncDispose]: close,
  };
}

interface Listening {
  readonly port: number;
  readonly close: () => Promise<void>;
}

async function listenAlone(app: HttpApp, tls: TlsCredentials | undefined): Promise<Listening> {
  const listener = new HttpListener(app, { host: "127.0.0.1", port: 0, tls });
  const { port } = await listener.start();
  return {
    port,
    async close() {
      listener.stopAccepting();
      await listener.drain(AbortSignal.abort());
    },
  };
}

/** On a server whose host takes upgrades of its own. */
async function listenOnHost(app: HttpApp): Promise<Listening> {
  const host = createServer();
  host.on("upgrade", (_request, socket) => socket.end("of the host"));
  const attached = new AttachedHttp(app, host);
  await new Promise<void>((resolve) => void host.listen(0, "127.0.0.1", resolve));
  return {
    port: (host.address() as AddressInfo).port,
    async close() {
      attached[Symbol.dispose]();
      host.close();
      host.closeAllConnections();
    },
  };
}

it.each(["own", "attached"] as const)(
  "%s server: an upgrade behind a request without answer gets no answer of its own before that",
  async (kind) => {
    await using server = await listen(kind);
    using client = await RawConnection.open(server.port);
    client.send(SLOW + SLOW + UPGRADE);
    const [first, second] = [await server.nextSlow(), await server.nextSlow()];
    expect(client.text).toBe("");
    second.end("second");
    first.end("first");
    const text = await client.until("ignored");
    const bodies = text.split("\r\n\r\n").slice(1);
    expect(bodies.map((body) => body.split("HTTP/1.1")[0])).toEqual(["first", "second", "ignored"]);
    expect(text).not.toContain("101");
  },
);

it("over TLS, too", async () => {
  await using server = await listen("secure");
  const options = { host: "127.0.0.1", port: server.port, ALPNProtocols: ["http/1.1"] };
  const client = connectTls({ ...options, rejectUnauthorized: false });
  client.write(SLOW + UPGRADE);
  (await server.nextSlow()).end("first");
  let text = "";
  for await (const bytes of client) text += String(bytes);
  expect(text).toMatch(/^HTTP\/1.1 200 OK.*first.*HTTP\/1.1 200 OK.*ignored$/su);
});

it.each(["own", "attached"] as const)(
  "%s server: behind an offer that is not taken the connection ends, for Node loses requests behind it",
  async (kind) => {
    await using server = await listen(kind);
    using client = await RawConnection.open(server.port);
    const offer = httpRequest("GET", "/slow", { headers: { Connection: "Upgrade", Upgrade: "h2c" } });
    client.send(offer + SLOW);
    (await server.nextSlow()).end("first");
    expect(await client.untilEnd()).toMatch(/^HTTP\/1.1 200 OK.*Connection: close.*first$/su);
  },
);

it.each(["own", "attached"] as const)(
  "%s server: a connection can be upgraded when its requests have been answered",
  async (kind) => {
    await using server = await listen(kind);
    using client = await RawConnection.open(server.port);
    client.send(SLOW);
    (await server.nextSlow()).end("first");
    await client.until("first");
    client.send(UPGRADE);
    expect(await client.untilEnd()).toMatch(/first.*101 Switching Protocols\r\n\r\ntalk$/su);
  },
);
