import { once } from "node:events";
import { createServer as createHttpServer, type Server as HttpServer } from "node:http";
import { createServer as createTcpServer } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { createServer, type Millrace, type MillraceOptions } from "../../src/index.ts";
import { Command, NODE } from "../support/command.ts";
import { freePort } from "../support/free-port.ts";
import { openSse } from "../support/push-stream.ts";
import { RawConnection } from "../support/raw-connection.ts";
import { endpointUrl, OPEN, type RunningServer } from "../support/running-server.ts";
import { silentLogger } from "../support/silent-logger.ts";

/** A server whose ports are known before it starts, and whether these are open. */
async function makeServer(workers: string) {
  const [http, internal, uniGrpc, grpcApi] = await Promise.all([
    freePort(),
    freePort(),
    freePort(),
    freePort(),
  ]);
  const listener = { address: "127.0.0.1" };
  const options: MillraceOptions = {
    logger: silentLogger,
    config: {
      ...OPEN,
      http_server: { ...listener, port: http, internal_port: internal },
      uni_sse: { enabled: true },
      uni_grpc: { ...listener, port: uniGrpc, enabled: true },
      grpc_api: { ...listener, port: grpcApi, enabled: true },
      node: { workers },
    },
  };
  const server = createServer(options);
  onTestFinished(async () => void (await server.stop()));
  return {
    server,
    url: urlsOf(http),
    httpPort: http,
    openPorts: async () =>
      (await Promise.all([http, internal, uniGrpc, grpcApi].map(isOpen))).filter(Boolean).length,
  };
}

/** Addresses of the endpoints at a port. */
function urlsOf(port: number): RunningServer["url"] {
  return (endpoint, connect) => endpointUrl(`http://127.0.0.1:${port}`, endpoint, connect);
}

async function isOpen(port: number): Promise<boolean> {
  try {
    (await RawConnection.open(port)).socket.destroy();
    return true;
  } catch {
    return false;
  }
}

function portOf(server: HttpServer): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** Publishes to a client of the server, which must hear it. */
async function deliver(server: Millrace, client: Parameters<typeof openSse>[0]): Promise<void> {
  await using sse = await openSse(client, { subs: { news: {} } });
  await sse.next();
  await server.publish("news", 1);
  expect((await sse.next()).pub?.data).toBe(1);
}

describe.each(["1", "2"])("a server of %s processes", (workers) => {
  it("starts and stops as often as one likes, and leaves no port open", async () => {
    const { server, openPorts, ...client } = await makeServer(workers);
    for (const _ of [1, 2, 3]) {
      await server.start();
      expect(await openPorts()).toBe(4);
      await deliver(server, client);
      expect(await server.stop()).toBe(true);
      expect(await openPorts()).toBe(0);
    }
  });

  it("is there once, however often it is started, and one stop ends it", async () => {
    const { server, openPorts } = await makeServer(workers);
    const [first, second] = await Promise.all([server.start(), server.start()]);
    expect(second).toEqual(first);
    expect(await server.start()).toEqual(first);
    expect(await server.stop()).toBe(true);
    expect(await openPorts()).toBe(0);
  });

  it("stops though it is still starting, and starts though it is still stopping", async () => {
    const { server, openPorts, ...client } = await makeServer(workers);
    const starting = server.start();
    expect(await server.stop()).toBe(true);
    await starting;
    expect(await openPorts()).toBe(0);
    const calls = [server.start(), server.stop(), server.start()];
    await Promise.all(calls);
    expect(await openPorts()).toBe(4);
    await deliver(server, client);
    await Promise.all([server.stop(), server.start(), server.stop()]);
    expect(await openPorts()).toBe(0);
  });

  it("starts after a start that failed, with nothing left of that one", async () => {
    const { server, openPorts, httpPort, ...client } = await makeServer(workers);
    const holder = createTcpServer().listen(httpPort, "127.0.0.1");
    await once(holder, "listening");
    await expect(server.start()).rejects.toMatchObject({ code: "EADDRINUSE" });
    expect(await openPorts()).toBe(1);
    expect(await server.stop()).toBe(true);
    holder.close();
    await once(holder, "close");
    await server.start();
    await deliver(server, client);
  });

  it("is of use between start and stop only, and says so", async () => {
    const { server } = await makeServer(workers);
    const unusable = "the server does not run: call start() first";
    for (const _ of [1, 2]) {
      await expect(server.publish("news", 1)).rejects.toThrow(unusable);
      await expect(server.disconnect("42")).rejects.toThrow(unusable);
      await server.start();
      await server.publish("news", 1);
      await server.stop();
    }
  });

  it("stops at the end of a block", async () => {
    const made = await makeServer(workers);
    {
      await using server = made.server;
      await server.start();
      expect(await made.openPorts()).toBe(4);
    }
    expect(await made.openPorts()).toBe(0);
  });
});

it("an attached server comes and goes as often as one likes", async () => {
  const http = createHttpServer((_request, response) => response.end("own")).listen(0, "127.0.0.1");
  await once(http, "listening");
  onTestFinished(() => {
    http.close();
    http.closeAllConnections();
  });
  const client = { url: urlsOf(portOf(http)) };
  const server = createServer({
    logger: silentLogger,
    attachTo: http,
    config: { ...OPEN, uni_sse: { enabled: true } },
  });
  for (const _ of [1, 2]) {
    await Promise.all([server.start(), server.start()]);
    await deliver(server, client);
    await server.stop();
    expect(await (await fetch(client.url("uni_sse"))).text()).toBe("own");
  }
});

it("a server that has stopped, or could not start, does not keep its process alive", async () => {
  const script = `
    import { createServer } from "millrace";
    const where = { address: "127.0.0.1", port: 0 };
    const config = { http_server: where, uni_grpc: { ...where, enabled: true }, log: { level: "none" } };
    const server = createServer({ config });
    const { http } = await server.start();
    await server.stop();
    await server.start();
    const taken = createServer({ config: { ...config, http_server: { ...where, port: (await server.start()).http.port } } });
    await taken.start().catch(({ code }) => console.log(code));
    const broken = { ...config, client: { token: { rsa_public_key: "no key" } } };
    await createServer({ config: broken }).start().catch(({ name }) => console.log(name));
    await server.stop();
    console.log("end");`;
  const args = ["--conditions=millrace-source", "--input-type=module", "--eval", script];
  await using command = new Command(NODE, args);
  expect(await command.untilEnd()).toEqual({ status: 0, signal: null });
  expect(command.stdout.split("\n")).toEqual(["EADDRINUSE", expect.any(String), "end", ""]);
});
