import { describe, expect, it, onTestFinished } from "vitest";
import { HttpApp, type Route } from "../../../src/http/http-app.ts";
import { HttpListener } from "../../../src/http/http-listener.ts";
import { Http2Client } from "../../support/http2-client.ts";
import { httpRequest, parseResponse, RawConnection } from "../../support/raw-connection.ts";
import { silentLogger } from "../../support/silent-logger.ts";

function answering(path: string, prefix = false): Route {
  return { path, prefix, handle: (_request, response) => void response.end(path) };
}

const API = [answering("/api/publish"), answering("/api"), answering("/apps/", true)];
const API_AT_ROOT = [answering("/publish"), answering("/", true)];

/** Serves routes for one test; resolves to the port. */
async function serve(routes: readonly Route[]): Promise<number> {
  const listener = new HttpListener(new HttpApp(routes, silentLogger), {
    host: "127.0.0.1",
    port: 0,
    tls: undefined,
  });
  onTestFinished(async () => {
    listener.stopAccepting();
    await listener.drain(AbortSignal.abort());
  });
  return (await listener.start()).port;
}

/** Status, and the body or where it leads to. */
async function ask(
  routes: readonly Route[],
  target: string,
  method = "GET",
): Promise<readonly [number, string]> {
  const port = await serve(routes);
  using client = await RawConnection.open(port);
  client.send(httpRequest(method, target, { headers: { Connection: "close" } }));
  const { statusLine, headers, body } = parseResponse(await client.untilEnd());
  const location = headers.find(([name]) => name === "Location")?.[1];
  return [Number(statusLine.split(" ")[1]), location ?? body];
}

describe("paths", () => {
  it.each([
    ["//api/publish", "/api/publish"],
    ["/api//publish?a=//b", "/api/publish?a=//b"],
    ["/./api/x/../publish", "/api/publish"],
    ["/../../api/publish", "/api/publish"],
    ["//apps/1001/events", "/apps/1001/events"],
    ["//%61pi/publish", "/%61pi/publish"],
    ["http://example.com//api/publish", "/api/publish"],
  ])("%s leads to %s, with the method and body that it came with", async (target, location) => {
    for (const method of ["GET", "POST"]) expect(await ask(API, target, method)).toEqual([307, location]);
  });

  it.each([
    ["/%61pi/publish", "/api/publish"],
    ["/api/%70%75blish?a=1", "/api/publish"],
    ["http://example.com/api/publish?a=1", "/api/publish"],
    ["/apps/1001//events", "/apps/"],
    ["/apps/1001/channels/..", "/apps/"],
  ])("%s is served by %s", async (target, route) => {
    expect(await ask(API, target)).toEqual([200, route]);
  });

  it.each([
    "/api%2Fpublish",
    "/api/publish/",
    "/api/publish//",
    "/%zzpi/publish",
    "/%ff",
    "//nowhere",
    "/",
    "http://x",
  ])("%s is nowhere", async (target) => {
    expect(await ask(API, target)).toEqual([404, "404 page not found\n"]);
  });

  it.each([
    ["/publish", 200, "/publish"],
    ["/anything", 200, "/"],
    ["/%70ublish", 200, "/publish"],
    ["//publish", 307, "/publish"],
    ["//anything/./else/", 307, "/anything/else/"],
  ])("with a route for all the rest, %s gets %s", async (target, status, text) => {
    expect(await ask(API_AT_ROOT, target)).toEqual([status, text]);
  });

  it.each([
    ["/\\evil.example/%2e%2e//api", "/%5Cevil.example/%2e%2e/api"],
    ["//evil.example/", "/evil.example/"],
  ])("%s does not lead elsewhere", async (target, location) => {
    expect(await ask(API_AT_ROOT, target)).toEqual([307, location]);
  });

  it("are the same over HTTP/2", async () => {
    using client = new Http2Client(`http://127.0.0.1:${await serve(API)}`);
    const clean = await client.request({ ":path": "//api/publish" });
    expect([clean.headers[":status"], clean.headers.location]).toEqual([307, "/api/publish"]);
    const encoded = await client.request({ ":path": "/%61pi/publish" });
    expect(encoded.headers[":status"]).toBe(200);
  });
});
