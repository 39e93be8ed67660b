import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { fetchDocument, type FetchLimits } from "../../../../src/auth/jwks/endpoint.ts";
import { KeyServer } from "./key-server.ts";

const LIMITS: FetchLimits = { timeoutMs: 10_000, attempts: 2, maxBytes: 1_000 };

async function fetchFrom(server: KeyServer, limits: Partial<FetchLimits> = {}): Promise<string> {
  return Buffer.from(await fetchDocument(`${server.origin}/keys`, { ...LIMITS, ...limits })).toString();
}

describe("a download", () => {
  it("is one GET", async () => {
    await using server = await KeyServer.publish();
    const methods: (string | undefined)[] = [];
    server.answer = (request, response) => {
      methods.push(request.method, request.headers.accept);
      response.end("é");
    };
    expect(await fetchFrom(server)).toBe("é");
    expect(methods).toEqual(["GET", "application/jwk-set+json, application/json"]);
    expect(server.requests).toEqual(["/keys"]);
  });

  it("succeeds with the second attempt", async () => {
    await using server = await KeyServer.publish();
    server.answer = (_request, response) =>
      response.writeHead(server.requests.length < 2 ? 500 : 200).end("ok");
    expect(await fetchFrom(server)).toBe("ok");
  });

  it.each([404, 500, 204, 206, 304])("core 21: fails with status %i after two attempts", async (status) => {
    await using server = await KeyServer.publish();
    server.serve("", status);
    await expect(fetchFrom(server)).rejects.toThrow(`GET ${server.origin}/keys: status ${status}`);
    expect(server.requests).toHaveLength(2);
  });

  it.each([301, 302, 303, 307, 308])("does not follow a redirect (%i)", async (status) => {
    await using elsewhere = await KeyServer.publish();
    await using server = await KeyServer.publish();
    server.serve("", status, { location: elsewhere.origin });
    await expect(fetchFrom(server)).rejects.toThrow(`status ${status}, and redirects are not followed`);
    expect(elsewhere.requests).toEqual([]);
  });

  it("says where and why it failed", async () => {
    const server = await KeyServer.publish();
    const { origin } = server;
    await server[Symbol.asyncDispose]();
    await expect(fetchDocument(`${origin}/keys`, LIMITS)).rejects.toThrow(
      `GET ${origin}/keys: connect ECONNREFUSED`,
    );
  });

  it("does not wait for ever for a head, nor for a body", async () => {
    await using server = await KeyServer.publish();
    server.answer = (_request, response) => {
      if (server.requests.length === 2) response.writeHead(200).write("{");
    };
    await expect(fetchFrom(server, { timeoutMs: 50 })).rejects.toThrow(/aborted due to timeout/);
    expect(server.requests).toHaveLength(2);
  });

  it("reads no more than it may", async () => {
    await using server = await KeyServer.publish();
    server.serve("x".repeat(1_000));
    expect(await fetchFrom(server)).toHaveLength(1_000);
    server.serve("x".repeat(1_001));
    await expect(fetchFrom(server)).rejects.toThrow(/longer than 1000 bytes$/);
    server.serve(gzipSync("x".repeat(10_000_000)), 200, { "content-encoding": "gzip" });
    await expect(fetchFrom(server)).rejects.toThrow(/longer than 1000 bytes$/);
    server.answer = (_request, response) => {
      const pump = (): void => {
        while (response.write("x".repeat(65_536)));
        response.once("drain", pump);
      };
      pump();
    };
    await expect(fetchFrom(server)).rejects.toThrow(/longer than 1000 bytes$/);
  });
});
