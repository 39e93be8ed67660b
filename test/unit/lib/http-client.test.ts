import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { describeStatus, type OutgoingRequest, sendRequest } from "../../../src/lib/http-client.ts";

const LIMITS = { timeoutMs: 60_000, maxBytes: 1000 };

/** An HTTP server on a free port. */
class Peer implements AsyncDisposable {
  readonly requests: { readonly head: IncomingMessage; readonly body: string }[] = [];
  connections = 0;
  answer: RequestListener = (_request, response) => response.end("ok");
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((head, response) => {
      const chunks: Buffer[] = [];
      head.on("data", (chunk: Buffer) => chunks.push(chunk));
      head.on("end", () => {
        this.requests.push({ head, body: Buffer.concat(chunks).toString() });
        this.answer(head, response);
      });
    });
    this.#server.on("connection", () => (this.connections += 1));
  }

  static async start(): Promise<Peer> {
    const peer = new Peer();
    await once(peer.#server.listen(0, "127.0.0.1"), "listening");
    return peer;
  }

  get url(): URL {
    // A server that listens on TCP has such an address.
    return new URL(`http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/ask?secret=1`);
  }

  get(changes: Partial<OutgoingRequest> = {}): OutgoingRequest {
    return { method: "GET", url: this.url, headers: {}, wantsBody: true, ...changes };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }
}

describe("a request to another server", () => {
  it("carries method, headers with all their values, and body, and is answered with status and body", async () => {
    await using peer = await Peer.start();
    const headers = { "content-type": "application/json", "x-many": ["1", "2"] };
    const request = peer.get({ method: "POST", headers, body: Buffer.from("{}") });
    const { status, body } = await sendRequest(request, LIMITS);
    expect([status, body.toString()]).toEqual([200, "ok"]);
    const [received] = peer.requests;
    expect(received).toMatchObject({ body: "{}", head: { method: "POST", url: "/ask?secret=1" } });
    expect(received?.head.headersDistinct).toMatchObject({
      "content-type": ["application/json"],
      "content-length": ["2"],
      host: [peer.url.host],
      "x-many": ["1", "2"],
    });
  });

  it("uses the connection of the one before, whatever its answer was", async () => {
    await using peer = await Peer.start();
    await sendRequest(peer.get(), LIMITS);
    peer.answer = (_request, response) => response.writeHead(404).end("not here");
    expect(await sendRequest(peer.get(), LIMITS)).toEqual({ status: 404, body: Buffer.alloc(0) });
    await sendRequest(peer.get({ wantsBody: false }), LIMITS);
    expect([peer.requests.length, peer.connections]).toEqual([3, 1]);
  });

  it("has a redirect for an answer", async () => {
    await using peer = await Peer.start();
    peer.answer = (_request, response) => response.writeHead(307, { location: "/elsewhere" }).end();
    const { status } = await sendRequest(peer.get(), LIMITS);
    expect(peer.requests).toHaveLength(1);
    expect(describeStatus(status)).toBe("status 307, and redirects are not followed");
    expect(describeStatus(500)).toBe("status 500");
  });

  it("fails when the answer is longer than it may be, at once", async () => {
    await using peer = await Peer.start();
    peer.answer = (_request, response) => response.write("x".repeat(1001));
    await expect(sendRequest(peer.get(), LIMITS)).rejects.toMatchObject({
      kind: "too_large",
      message: `GET ${peer.url.origin}/ask: the answer is longer than 1000 bytes`,
    });
  });

  it("takes an answer that was stored with gzip, and no other encoding", async () => {
    await using peer = await Peer.start();
    const answers = new Map([
      ["gzip", gzipSync("stored")],
      ["br", brotliCompressSync("stored")],
    ]);
    peer.answer = (request, response) => {
      const encoding = String(request.headers["x-encoding"]);
      response.writeHead(200, { "content-encoding": encoding }).end(answers.get(encoding));
    };
    const asking = (encoding: string) =>
      sendRequest(peer.get({ headers: { "x-encoding": encoding } }), LIMITS);
    expect((await asking("gzip")).body.toString()).toBe("stored");
    await expect(asking("br")).rejects.toMatchObject({ kind: "encoding" });
    answers.set("gzip", Buffer.from("plain"));
    await expect(asking("gzip")).rejects.toMatchObject({ kind: "encoding" });
    answers.set("gzip", gzipSync("x".repeat(100_000)));
    await expect(asking("gzip")).rejects.toMatchObject({ kind: "too_large" });
  });

  it.each(["no head comes", "no end comes"])(
    "fails after its time when %s, and lets go of the connection",
    async (what) => {
      await using peer = await Peer.start();
      const closed = Promise.withResolvers<void>();
      peer.answer = (request, response) => {
        request.socket.once("close", () => closed.resolve());
        if (what === "no end comes") response.write("x");
      };
      await expect(sendRequest(peer.get(), { ...LIMITS, timeoutMs: 20 })).rejects.toMatchObject({
        kind: "timeout",
        message: `GET ${peer.url.origin}/ask: aborted due to timeout, after 20 ms`,
      });
      await closed.promise;
    },
  );

  it("says what became of the connection", async () => {
    const peer = await Peer.start();
    const request = peer.get({ method: "POST" });
    peer.answer = (_request, response) => response.write("x", () => response.destroy());
    await expect(sendRequest(request, LIMITS)).rejects.toMatchObject({ kind: "connection" });
    await peer[Symbol.asyncDispose]();
    await expect(sendRequest(request, LIMITS)).rejects.toMatchObject({
      kind: "connection",
      message: expect.stringMatching(/^POST http:\/\/127\.0\.0\.1:\d+\/ask: connect ECONNREFUSED/u),
    });
  });

  it("fails when what answers does not speak HTTP", async () => {
    await using server = createTcpServer((socket) => {
      socket
        .on("error", () => undefined)
        .resume()
        .end("220 mail.example ESMTP\r\n");
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    const request = { method: "GET", url, headers: {}, wantsBody: false } as const;
    await expect(sendRequest(request, LIMITS)).rejects.toMatchObject({ kind: "connection" });
  });

  it("is cut off by its signal, before it is sent, while it waits, and while it reads", async () => {
    await using peer = await Peer.start();
    const early = AbortSignal.abort(new Error("early"));
    await expect(sendRequest(peer.get(), LIMITS, early)).rejects.toThrow("early");
    expect(peer.requests).toEqual([]);
    const leaving = new AbortController();
    peer.answer = () => leaving.abort(new Error("left"));
    await expect(sendRequest(peer.get(), LIMITS, leaving.signal)).rejects.toThrow("left");
    const reading = new AbortController();
    peer.answer = (_request, response) => response.write("x", () => reading.abort(new Error("enough")));
    await expect(sendRequest(peer.get(), LIMITS, reading.signal)).rejects.toThrow("enough");
  });
});

describe("a request of which only the status counts", () => {
  it.each(["endless", "broken", "silent"])("is answered though the body is %s", async (kind) => {
    await using peer = await Peer.start();
    peer.answer = (_request, response) => {
      response.writeHead(503);
      if (kind === "endless") response.write("x".repeat(1001));
      else response.write("x", () => (kind === "broken" ? response.destroy() : undefined));
    };
    const timeoutMs = kind === "silent" ? 200 : LIMITS.timeoutMs;
    const { status, body } = await sendRequest(peer.get({ wantsBody: false }), { ...LIMITS, timeoutMs });
    expect([status, body.length]).toEqual([503, 0]);
  });
});
