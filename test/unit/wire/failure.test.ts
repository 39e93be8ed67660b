import { describe, expect, it } from "vitest";
import { clientError, ClientError } from "../../../src/core/client-error.ts";
import { Disconnect } from "../../../src/core/disconnect.ts";
import { reportBugs } from "../../../src/core/failure.ts";
import { refusalOf, Refused } from "../../../src/core/refusal.ts";
import { failureFromBytes, failureToBytes } from "../../../src/wire/failure.ts";
import { type LoggedLine, loggerOf } from "../../support/silent-logger.ts";

/** The error as it arrives in another process. */
function sent(error: unknown): Error {
  return failureFromBytes(failureToBytes(error));
}

describe("failures between processes", () => {
  it("keep codes and texts, and what they were caused by", () => {
    const cause = Object.assign(new TypeError("taken"), { code: "EADDRINUSE", port: 8000 });
    const error = sent(clientError("tooManyRequests", cause));
    expect(error).toBeInstanceOf(ClientError);
    expect(error).toMatchObject({ code: 111, message: "too many requests", temporary: true });
    expect(error.cause).toMatchObject({
      name: "TypeError",
      message: "taken",
      code: "EADDRINUSE",
      port: 8000,
    });
    expect((error.cause as Error).stack).toBe(cause.stack);
  });

  it("keep how a connection ends", () => {
    const error = sent(new Disconnect(4501, "grüß dich", { cause: "no error" }));
    expect(error).toBeInstanceOf(Disconnect);
    expect(error).toMatchObject({ code: 4501, reason: "grüß dich" });
    expect(error.cause).toMatchObject({ message: "no error" });
  });

  it("stay refusals, which are nobody's fault but the caller's", () => {
    const error = sent(clientError("internal", new Refused("token_bad_claim", "b64info is not base64")));
    expect(refusalOf(error)).toMatchObject({ reason: "token_bad_claim", message: "b64info is not base64" });
    const ofNewerVersion = sent(Object.assign(new Refused("no_credentials"), { reason: "not_known_yet" }));
    expect(ofNewerVersion).toMatchObject({ name: "Refused" });
    expect(ofNewerVersion).not.toBeInstanceOf(Refused);
  });

  it("are not logged again where the log has them", () => {
    const lines: LoggedLine[] = [];
    const report = { logger: loggerOf(lines), message: "failed" };
    const error = clientError("internal", new TypeError("a bug"));
    reportBugs(error, report);
    reportBugs(sent(error), report);
    expect(lines).toHaveLength(1);
    reportBugs(sent(clientError("internal", new TypeError("a bug"))), report);
    expect(lines).toHaveLength(2);
  });

  it("have the same bytes as ever", () => {
    const bytes = failureToBytes(clientError("unknownChannel"));
    expect(Buffer.from(bytes).toString("hex")).toBe("0a130866120f756e6b6e6f776e206368616e6e656c");
  });

  it("that cause themselves come to an end", () => {
    const error = new Error("endless");
    error.cause = error;
    let depth = 0;
    for (let at: unknown = sent(error); at instanceof Error; at = at.cause) depth += 1;
    expect(depth).toBe(9);
  });
});
