import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CentrifugoApi, PublishRequestSchema } from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import { callUnary } from "../../support/grpc-calls.ts";
import { httpRequest, RawConnection } from "../../support/raw-connection.ts";
import { type FakeApiNode, KEY, type RunningApi, startApi } from "./fake-api.ts";
import { startGrpcDoor } from "./grpc-door.ts";

const COUNT = 50;
const NUMBERS = Array.from({ length: COUNT }, (_, at) => String(at + 1));
const WITH_KEY = { "X-API-Key": KEY };
const CONNECT_PATH = `/${CentrifugoApi.typeName}/Publish`;

/** Requests of one publication each, larger and smaller ones in turn. */
const PIPELINES: Readonly<Record<string, (number: string) => string>> = {
  "the HTTP door": (number) =>
    httpRequest("POST", "/api/publish", {
      headers: WITH_KEY,
      body: `{"channel":"a","data":${number},"tags":{"filler":"${filler(number)}"}}`,
    }),
  "the legacy HTTP door": (number) =>
    httpRequest("POST", "/api", {
      headers: WITH_KEY,
      body: `{"method":"publish","params":{"channel":"a","data":${number},"tags":{"filler":"${filler(number)}"}}}`,
    }),
  "the Connect door": (number) =>
    httpRequest("POST", CONNECT_PATH, {
      headers: { ...WITH_KEY, "Content-Type": "application/json" },
      body: JSON.stringify({ channel: "a", b64data: btoa(number), tags: { filler: filler(number) } }),
    }),
  "the Connect door, in binary": (number) => {
    const request = create(PublishRequestSchema, { channel: "a", b64data: btoa(number) });
    const body = Buffer.from(toBinary(PublishRequestSchema, request)).toString("latin1");
    return httpRequest("POST", CONNECT_PATH, {
      headers: { ...WITH_KEY, "Content-Type": "application/proto" },
      body,
    });
  },
};

function filler(number: string): string {
  return "x".repeat((Number(number) % 10) * 100);
}

/** Sends bytes in parts of the given sizes, in turn; resolves with all answers. */
async function pipeline({ url }: RunningApi, bytes: string, partSizes: readonly number[]): Promise<string> {
  using client = await RawConnection.open(Number(new URL(url).port));
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = partSizes[turn % partSizes.length] ?? bytes.length;
    client.send(bytes.slice(at, at + size));
    at += size;
  }
  return await client.until((text) => text.split("HTTP/1.1 200 OK").length > COUNT);
}

/** Lets publishes end in the reverse of the order in which they began; each makes its number the offset. */
function endInReverse(node: FakeApiNode): void {
  const waiting: (() => void)[] = [];
  node.channels.publish = async (_channel, { data }) => {
    await new Promise<void>((resolve) => {
      if (waiting.push(resolve) === COUNT) for (const end of waiting.toReversed()) end();
    });
    return { offset: Number(Buffer.from(data).toString()), epoch: "e" };
  };
}

const dataOf = (published: readonly Pick<FakeApiNode["published"][number], "data">[]): string[] =>
  published.map(({ data }) => data);

describe.each(Object.entries(PIPELINES))("%s", (_name, requestOf) => {
  it("publishes pipelined requests in their order, however they are cut", async () => {
    const bytes = NUMBERS.map(requestOf).join("");
    const partSizes = fc.array(fc.integer({ min: 50, max: 5000 }), { minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(partSizes, async (sizes) => {
        const api = await startApi();
        await pipeline(api, bytes, sizes);
        expect(dataOf(api.node.published)).toEqual(NUMBERS);
      }),
      { numRuns: 10 },
    );
  });
});

it.each(["the HTTP door", "the Connect door"])("%s answers in the order of the requests", async (door) => {
  const api = await startApi();
  endInReverse(api.node);
  const answers = await pipeline(api, NUMBERS.map(PIPELINES[door] ?? String).join(""), [1000]);
  expect([...answers.matchAll(/"offset":"?(\d+)/g)].map(([, offset]) => offset)).toEqual(NUMBERS);
});

describe("the gRPC door", () => {
  const headers = { authorization: `apikey ${KEY}` };
  const { publish, broadcast, batch } = CentrifugoApi.method;

  it("publishes concurrent calls of one connection in their order, large and small ones alike", async () => {
    const { client, node } = await startGrpcDoor();
    const requests = NUMBERS.map((number) => ({
      channel: "a",
      data: Buffer.from(number.padEnd(1 + (Number(number) % 5) * 10_000)),
    }));
    await Promise.all(requests.map((request) => callUnary(client, publish, request, headers)));
    expect(dataOf(node.published).map((data) => data.trim())).toEqual(NUMBERS);
  });

  it.each([false, true])("publishes what batches carry in their order, parallel: %j", async (parallel) => {
    const { client, node } = await startGrpcDoor();
    const commands = NUMBERS.map((number) => ({ publish: { channel: "a", data: Buffer.from(number) } }));
    const halves = [commands.slice(0, COUNT / 2), commands.slice(COUNT / 2)];
    for (const half of halves) await callUnary(client, batch, { commands: half, parallel }, headers);
    expect(dataOf(node.published)).toEqual(NUMBERS);
  });

  it("broadcasts one after the other, and to channels in the order of the request", async () => {
    const { client, node } = await startGrpcDoor();
    const channels = ["a", "b", "c"];
    const requests = NUMBERS.map((number) => ({ channels, data: Buffer.from(number) }));
    await Promise.all(requests.map((request) => callUnary(client, broadcast, request, headers)));
    const expected = NUMBERS.flatMap((data) => channels.map((channel) => ({ channel, data })));
    expect(node.published).toMatchObject(expected);
  });
});

describe("a batch over HTTP", () => {
  it.each([false, true])("publishes in the order of its commands, parallel: %j", async (parallel) => {
    const { node, post } = await startApi();
    const commands = NUMBERS.map((number) => ({ publish: { channel: "a", data: Number(number) } }));
    await post("/api/batch", JSON.stringify({ commands, parallel }));
    expect(dataOf(node.published)).toEqual(NUMBERS);
  });

  it("waits for each command unless it is parallel, or one of several publications in a row", async () => {
    const { node, post } = await startApi();
    const order: string[] = [];
    node.channels.publish = async (_channel, { data }) => {
      const number = Buffer.from(data).toString();
      order.push(`begin ${number}`);
      await new Promise(setImmediate);
      order.push(`end ${number}`);
      return { offset: 0, epoch: "" };
    };
    node.channels.removeHistory = async () => void order.push("remove");
    const publish = (data: number): object => ({ publish: { channel: "a", data } });
    const commands = [publish(1), publish(2), { history_remove: { channel: "a" } }, publish(3)];
    await post("/api/batch", JSON.stringify({ commands }));
    const firstTwo = ["begin 1", "begin 2", "end 1", "end 2"];
    expect(order.splice(0)).toEqual([...firstTwo, "remove", "begin 3", "end 3"]);
    await post("/api/batch", JSON.stringify({ commands, parallel: true }));
    expect(order).toEqual(["begin 1", "begin 2", "remove", "begin 3", "end 1", "end 2", "end 3"]);
  });
});
