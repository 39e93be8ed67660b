import { describe, expect, it } from "vitest";
import { authenticate } from "../../../../../src/protocols/pusher/http-api/authentication.ts";
import { EVENT, fetchAnswer, KEY, SECRET, startApi } from "./fake-api.ts";

const VECTOR = new URLSearchParams({
  auth_key: KEY,
  auth_timestamp: "1353088179",
  auth_version: "1.0",
  body_md5: "ec365a775a4cd0599faeb73354201b6f",
  auth_signature: "da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c",
});
const VECTOR_TIME_MS = 1_353_088_179_000;

describe("authentication", () => {
  it("pusher 71: the documented signature verifies, and no other one", () => {
    const app = { key: KEY, secret: SECRET };
    const head = { method: "POST", path: "/apps/3/events", query: VECTOR };
    expect(() => authenticate(app, head, "", VECTOR_TIME_MS)).not.toThrow();
    const refusal = "auth_signature is not the HMAC-SHA256";
    expect(() => authenticate(app, { ...head, method: "GET" }, "", VECTOR_TIME_MS)).toThrow(refusal);
    expect(() => authenticate(app, { ...head, path: "/apps/3/event" }, "", VECTOR_TIME_MS)).toThrow(refusal);
    expect(() => authenticate({ ...app, secret: "x" }, head, "", VECTOR_TIME_MS)).toThrow(refusal);
  });

  it("pusher 71: the documented request is served", async () => {
    const { node, url, clock } = await startApi();
    clock.wallMs = () => VECTOR_TIME_MS;
    const body = '{"name":"foo","channels":["project-3"],"data":"{\\"some\\":\\"data\\"}"}';
    const answer = await fetchAnswer(`${url}/apps/3/events?${VECTOR.toString()}`, { method: "POST", body });
    expect(answer).toMatchObject({ status: 200, json: {} });
    expect(node.published).toMatchObject([{ channel: "3:project-3", data: '{"some":"data"}' }]);
  });

  it.each([
    [-601, 401],
    [-590, 200],
    [590, 200],
    [601, 401],
  ])("pusher 72: a timestamp off by %d s: %d", async (offSec, status) => {
    const { call, clock } = await startApi();
    clock.advance(999);
    const timestampSec = Math.floor(clock.wallMs() / 1000) + offSec;
    expect(await call("/events", { body: EVENT, timestampSec })).toMatchObject({ status });
  });

  it.each([
    ["wrong body_md5", { md5: "0".repeat(32) }],
    ["no body_md5", { md5: "" }],
    ["wrong key", { key: "x" }],
    ["wrong secret", { secret: "x" }],
    ["other version", { params: { auth_version: "2.0" } }],
    ["time that is none", { params: { auth_timestamp: "1e9" } }],
    ["other path signed", { signedPath: "/apps/3/batch_events" }],
  ])("pusher 73: %s: 401 and nothing is published", async (_, wrong) => {
    const { call, node } = await startApi();
    const answer = await call("/events", { body: EVENT, ...wrong });
    expect(answer).toMatchObject({ status: 401, json: { code: 401, error: expect.any(String) as string } });
    expect(node.published).toEqual([]);
  });

  it("pusher 73: a body changed after it was signed: 401", async () => {
    const { call, node } = await startApi();
    const md5OfEmpty = "d41d8cd98f00b204e9800998ecf8427e";
    expect(await call("/events", { body: EVENT, md5: md5OfEmpty })).toMatchObject({ status: 401 });
    expect(node.published).toEqual([]);
  });

  it("pusher 73: no authentication at all: 401", async () => {
    const { url } = await startApi();
    expect(await fetchAnswer(`${url}/apps/3/channels`, {})).toMatchObject({
      status: 401,
      json: { error: "auth_key is missing", code: 401 },
    });
  });

  it.each(["presence-a=b", "a@b", "a,b;c", "ü &"])(
    "pusher 74: filter_by_prefix %s verifies",
    async (filter_by_prefix) => {
      const { call } = await startApi();
      expect(await call("/channels", { params: { filter_by_prefix } })).toMatchObject({
        status: 200,
        json: { channels: {} },
      });
    },
  );

  it("a path may be signed before or after it is encoded", async () => {
    const { call, node } = await startApi();
    const path = "/users/a%20b/terminate_connections";
    const body = {};
    expect(await call(path, { body })).toMatchObject({ status: 200 });
    const signedPath = "/apps/3/users/a b/terminate_connections";
    expect(await call(path, { body, signedPath })).toMatchObject({ status: 200 });
    expect(node.disconnected.map(({ target }) => target.user)).toEqual(["a b", "a b"]);
  });

  it("an unknown app: 404; a disabled one: 403, to those who have the secret", async () => {
    const { url, call } = await startApi({ enabled: false });
    expect(await fetchAnswer(`${url}/apps/4/channels`, {})).toMatchObject({ status: 404 });
    expect(await call("/channels")).toMatchObject({ status: 403 });
    expect(await call("/channels", { secret: "x" })).toMatchObject({ status: 401 });
  });

  it("the path prefix may be part of what is signed, and may not, as PHP's SDK has it", async () => {
    const { call } = await startApi({}, { path_prefix: "/push" });
    expect(await call("/channels")).toMatchObject({ status: 200 });
    expect(await call("/channels", { signedPath: "/apps/3/channels" })).toMatchObject({ status: 200 });
    expect(await call("/channels", { signedPath: "/other/apps/3/channels" })).toMatchObject({ status: 401 });
    const path = "/users/a%20b/terminate_connections";
    const signedPath = "/apps/3/users/a b/terminate_connections";
    expect(await call(path, { body: {}, signedPath })).toMatchObject({ status: 200 });
  });
});
