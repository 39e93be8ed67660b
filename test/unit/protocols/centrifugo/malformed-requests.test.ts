import { describe, expect, it } from "vitest";
import { ClientError, clientError } from "../../../../src/core/client-error.ts";
import {
  jsonEncoding,
  protobufEncoding,
  protoJsonEncoding,
} from "../../../../src/protocols/centrifugo/uni-protocol.ts";
import { FakeTransport } from "../../../support/fake-transport.ts";
import { type LoggedLine, loggerOf } from "../../../support/silent-logger.ts";
import { TestNode } from "../../../support/test-node.ts";

describe("connect requests that cannot be read", () => {
  it.each([
    ["JSON", jsonEncoding, "["],
    ["JSON of other types", jsonEncoding, '{"token":1}'],
    ["protobuf", protobufEncoding, "\u00ff"],
    ["the standard mapping", protoJsonEncoding, "["],
    ["the standard mapping of other types", protoJsonEncoding, '{"token":1}'],
  ])("are malformed: %s", (_name, encoding, text) => {
    const parse = (): unknown => encoding.parseRequest(Buffer.from(text));
    expect(parse).toThrow(ClientError);
    expect(parse).toThrow("bad request");
  });

  it("are not, where something is wrong with the parser", () => {
    const noBytes = undefined as unknown as Uint8Array;
    expect(() => jsonEncoding.parseRequest(noBytes)).toThrow(TypeError);
  });

  it.each([
    [3501, clientError("badRequest"), []],
    [3004, new TypeError("a bug"), [{ level: "error", message: "connect request not read" }]],
  ])("end the connection with %i, without a push", async (code, error, logged) => {
    const lines: LoggedLine[] = [];
    const { protocol } = await TestNode.start({ logger: loggerOf(lines, "warn") });
    const transport = new FakeTransport();
    protocol.accept(transport).refuseRequest(error);
    expect(transport.closedWith?.code).toBe(code);
    expect(transport.writes).toEqual([]);
    expect(lines).toMatchObject(logged);
  });
});
