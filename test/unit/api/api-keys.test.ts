import { type ServiceError, status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { CentrifugoApi } from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import { parseConfig } from "../../../src/app/config.ts";
import { callUnary } from "../../support/grpc-calls.ts";
import { OK, send, startApi } from "./fake-api.ts";
import { startGrpcDoor } from "./grpc-door.ts";

const KEYS = [
  { name: "billing", key: "billing-secret" },
  { name: "chat", key: "chat-secret" },
];
const PUBLISH = '{"channel":"a","data":1}';
const RPC = `/${CentrifugoApi.typeName}/Publish`;

describe("several keys", () => {
  it.each(["K", "billing-secret", "chat-secret"])("each lets in over JSON and Connect: %s", async (key) => {
    const { post } = await startApi({ keys: KEYS });
    expect(await post("/api/publish", PUBLISH, { "X-API-Key": key })).toMatchObject(OK);
    const headers = { "X-API-Key": "", Authorization: `apikey ${key}`, "Content-Type": "application/json" };
    expect(await post(RPC, '{"channel":"a","data":"MQ=="}', headers)).toMatchObject(OK);
  });

  it("those with a name do without the one that has none", async () => {
    const { post } = await startApi({ key: "", keys: KEYS });
    expect(await post("/api/publish", PUBLISH, { "X-API-Key": "chat-secret" })).toMatchObject(OK);
    expect((await post("/api/publish", PUBLISH, { "X-API-Key": "" })).status).toBe(401);
  });

  it("over gRPC, too, where one key is enough for all calls to need one", async () => {
    const { client } = await startGrpcDoor({ key: "", keys: KEYS });
    const publish = (authorization: string): Promise<unknown> =>
      callUnary(
        client,
        CentrifugoApi.method.publish,
        { channel: "a", data: Buffer.from("1") },
        {
          authorization,
        },
      );
    expect(await publish("apikey billing-secret")).toMatchObject({ result: {} });
    const refused = await publish("apikey nobody").catch((error: unknown) => error as ServiceError);
    expect(refused).toMatchObject({ code: status.UNAUTHENTICATED });
  });

  it("come and go while the server runs", async () => {
    const { post, keys } = await startApi({ keys: KEYS });
    keys.set({ key: "", keys: [{ name: "new", key: "new-secret" }] });
    for (const key of ["K", "billing-secret", "chat-secret"]) {
      expect((await post("/api/publish", PUBLISH, { "X-API-Key": key })).status).toBe(401);
    }
    expect(await post("/api/publish", PUBLISH, { "X-API-Key": "new-secret" })).toMatchObject(OK);
  });

  it("are told apart by name and key, and neither may be empty", () => {
    const problemsOf = (keys: unknown): unknown => {
      try {
        parseConfig({ http_api: { key: "K", keys } });
        return undefined;
      } catch (error) {
        return error instanceof Error ? error.message : error;
      }
    };
    expect(problemsOf(KEYS)).toBeUndefined();
    expect(problemsOf([...KEYS, { name: "chat", key: "x" }])).toContain("http_api.keys[2].name");
    expect(problemsOf([{ name: "x", key: "K" }])).toContain("http_api.keys[0].key");
    expect(problemsOf([{ name: "", key: "x" }])).toContain("http_api.keys[0].name");
    expect(problemsOf([{ name: "x", key: "" }])).toContain("http_api.keys[0].key");
  });
});

describe("the log", () => {
  it("has the name of the key of each call, and never a key", async () => {
    const { url, post, log } = await startApi({ keys: KEYS });
    await post("/api/publish", PUBLISH, { "X-API-Key": "chat-secret" });
    await post("/api/publish", PUBLISH);
    await post("/api/history", "{}", { "X-API-Key": "billing-secret" });
    await send(`${url}/api/publish`, { method: "POST", body: PUBLISH });
    await send(`${url}/api/publish?api_key=guessed-secret`, { method: "POST", body: PUBLISH });
    expect(log.lines).toMatchObject([
      ["debug", "api call", { method: "publish", key: "chat" }],
      ["debug", "api call", { method: "publish", key: "http_api.key" }],
      [
        "info",
        "api call refused",
        {
          reason: "bad_api_request",
          method: "history",
          key: "billing",
          detail: "bad request: channel: missing",
        },
      ],
      ["debug", "api call", { method: "history", key: "billing", code: 107 }],
      ["info", "api call refused", { reason: "api_key_missing", address: "127.0.0.1" }],
      ["info", "api call refused", { reason: "api_key_wrong", address: "127.0.0.1" }],
    ]);
    expect(JSON.stringify(log.lines)).not.toContain("secret");
  });
});
