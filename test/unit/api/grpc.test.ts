import { fromBinary } from "@bufbuild/protobuf";
import { anyUnpack, AnySchema } from "@bufbuild/protobuf/wkt";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { type ServiceError, status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { CentrifugoApi, ErrorSchema } from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import { bufCurl, callUnary } from "../../support/grpc-calls.ts";
import { KEY } from "./fake-api.ts";
import { startGrpcDoor } from "./grpc-door.ts";

const { batch, broadcast, deviceList, info, publish } = CentrifugoApi.method;
const WITH_KEY = { authorization: `apikey ${KEY}` };
const TRANSPORT = { ...WITH_KEY, "x-centrifugo-error-mode": "transport" };

/** The error that a call fails with. */
async function failureOf(call: Promise<unknown>): Promise<ServiceError> {
  try {
    await call;
  } catch (error) {
    // grpc-js rejects with nothing else.
    return error as ServiceError;
  }
  throw new Error("the call succeeded");
}

describe("authentication", () => {
  it.each([
    ["api 83: another case of the scheme", { authorization: "ApiKey K" }],
    ["a wrong key", { authorization: "apikey k" }],
    ["two spaces", { authorization: "apikey  K" }],
    ["X-API-Key", { "x-api-key": KEY }],
    ["nothing", {}],
  ])("%s: UNAUTHENTICATED", async (_what, headers: Record<string, string>) => {
    const { client } = await startGrpcDoor();
    const calls = [callUnary(client, publish, {}, headers), callUnary(client, deviceList, {}, headers)];
    for (const error of await Promise.all(calls.map(failureOf))) {
      expect([error.code, error.details]).toEqual([
        status.UNAUTHENTICATED,
        "unauthenticated: send the API key as metadata `authorization: apikey <key>`",
      ]);
    }
  });

  it("lets everybody in while there is no key", async () => {
    const { client } = await startGrpcDoor({ key: "" });
    const { result } = await callUnary(client, info, {});
    expect(result?.nodes).toMatchObject([{ uid: "u", uptime: 3, numSubs: 2 }]);
  });
});

describe("calls", () => {
  it("api 84: what is not implemented is UNIMPLEMENTED", async () => {
    const { client } = await startGrpcDoor();
    const error = await failureOf(callUnary(client, deviceList, {}, WITH_KEY));
    expect([error.code, error.details]).toEqual([status.UNIMPLEMENTED, "method DeviceList not implemented"]);
  });

  it("api 85: an API error is part of a response", async () => {
    const { client } = await startGrpcDoor();
    const response = await callUnary(client, publish, { channel: "x:y", data: Buffer.from("1") }, WITH_KEY);
    expect(response).toMatchObject({ error: { code: 102, message: "unknown channel" } });
    expect(response.result).toBeUndefined();
  });

  it.each([
    ["metadata", {}, TRANSPORT],
    ["configuration", { error_mode: "transport" } as const, WITH_KEY],
  ])("api 85: an API error is the status, by %s", async (_what, config, headers) => {
    const { client } = await startGrpcDoor(config);
    const call = callUnary(client, publish, { channel: "x:y", data: Buffer.from("1") }, headers);
    const error = await failureOf(call);
    expect([error.code, error.details]).toEqual([status.NOT_FOUND, "unknown channel"]);
    expect(readStatus(error.metadata.get("grpc-status-details-bin")[0])).toMatchObject({
      code: status.NOT_FOUND,
      message: "unknown channel",
      detail: { code: 102, message: "unknown channel" },
    });
  });

  it("api 86: 5 MiB are too many by default", async () => {
    const { client } = await startGrpcDoor();
    const call = callUnary(client, publish, { channel: "a", data: new Uint8Array(5 << 20) }, WITH_KEY);
    expect((await failureOf(call)).code).toBe(status.RESOURCE_EXHAUSTED);
    const open = await startGrpcDoor({ max_receive_message_size: -1 });
    const request = { channel: "a", data: new Uint8Array(5 << 20) };
    expect(await callUnary(open.client, publish, request, WITH_KEY)).toMatchObject({ result: {} });
  });

  it("data is the payload itself, JSON or not", async () => {
    const { client, node } = await startGrpcDoor();
    await callUnary(client, publish, { channel: "a", data: Buffer.from("\x01") }, WITH_KEY);
    await callUnary(client, publish, { channel: "a", b64data: "aGk=" }, WITH_KEY);
    const request = { channel: "json:a", data: Buffer.from("no json") };
    expect(await callUnary(client, publish, request, WITH_KEY)).toMatchObject({ error: { code: 107 } });
    expect(node.published).toMatchObject([
      { data: "\x01", knownJson: false },
      { data: "hi", knownJson: false },
    ]);
  });

  it("broadcast and batch carry their errors inside", async () => {
    const { client, node } = await startGrpcDoor();
    const data = Buffer.from("1");
    const sent = await callUnary(client, broadcast, { channels: ["a", "x:y"], data }, TRANSPORT);
    expect(sent.result?.responses).toMatchObject([{ result: {} }, { error: { code: 102 } }]);
    const commands = [{ publish: { channel: "b", data } }, {}, { deviceList: {} }, { publish: {} }];
    const { replies } = await callUnary(client, batch, { commands, parallel: true }, TRANSPORT);
    expect(replies).toMatchObject([
      { publish: {} },
      { error: { code: 104, message: "not found" } },
      { error: { code: 104 } },
      { error: { code: 107 } },
    ]);
    expect(node.publishedChannels).toEqual(["a", "b"]);
  });
});

describe("reflection", () => {
  it("api 87: needs no key", async () => {
    const { port } = await startGrpcDoor({ reflection: true });
    const base = ["--protocol", "grpc", "--http2-prior-knowledge"];
    const url = `http://127.0.0.1:${port}`;
    expect((await bufCurl([...base, "--list-services", url])).stdout).toContain(CentrifugoApi.typeName);
    const header = `authorization: apikey ${KEY}`;
    const path = `${url}/${CentrifugoApi.typeName}/Publish`;
    const called = await bufCurl([...base, "-H", header, "-d", '{"channel":"a","data":"MQ=="}', path]);
    expect([called.code, JSON.parse(called.stdout)]).toEqual([0, { result: {} }]);
    expect((await bufCurl([...base, "-d", "{}", path])).stderr).toContain("unauthenticated");
  });
});

it("a door that is switched off does not exist", async () => {
  await expect(startGrpcDoor({ enabled: false })).rejects.toThrow("switched off");
});

/** Reads a `google.rpc.Status`, which the generated code does not have. */
function readStatus(value: string | Buffer | undefined): { code: number; message: string; detail: unknown } {
  const reader = new BinaryReader(Buffer.from(value ?? ""));
  const found = { code: 0, message: "", detail: undefined as unknown };
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === 1) found.code = reader.int32();
    else if (field === 2) found.message = reader.string();
    else if (field === 3) found.detail = anyUnpack(fromBinary(AnySchema, reader.bytes()), ErrorSchema);
    else reader.skip(wireType, field);
  }
  return found;
}
