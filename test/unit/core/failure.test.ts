import { describe, expect, it } from "vitest";
import { ClientError, clientError } from "../../../src/core/client-error.ts";
import { Disconnect, disconnect } from "../../../src/core/disconnect.ts";
import { clientErrorOf, disconnectOf, failureOf, type FailureReport } from "../../../src/core/failure.ts";
import { Refused } from "../../../src/core/refusal.ts";
import { type LoggedLine, loggerOf } from "../../support/silent-logger.ts";

function start(): { readonly lines: LoggedLine[]; readonly report: FailureReport } {
  const lines: LoggedLine[] = [];
  return { lines, report: { logger: loggerOf(lines), message: "it failed", fields: { session: "s" } } };
}

describe("what an exception is to whoever asked", () => {
  it.each([
    ["an error of the table", clientError("unknownChannel")],
    ["a disconnect", disconnect("invalidToken", new Refused("token_malformed"))],
    ["error 100 for what the caller has to change", clientError("internal", new Refused("bad_api_request"))],
    ["a malformed request, whatever it is caused by", clientError("badRequest", new Error("not JSON"))],
    ["a decision of the server", disconnect("serverError")],
  ])("itself, without a line in the log: %s", (_name, error) => {
    const { lines, report } = start();
    expect(failureOf(error, report)).toBe(error);
    expect(lines).toEqual([]);
  });

  it.each([
    ["an exception", new TypeError("a bug")],
    ["what is no error at all", "thrown text"],
  ])("error 100, and a line with the cause: %s", (_name, error) => {
    const { lines, report } = start();
    const failure = failureOf(error, report);
    expect(failure).toBeInstanceOf(ClientError);
    expect(failure).toMatchObject({ code: 100, cause: error });
    expect(lines).toEqual([{ level: "error", message: "it failed", session: "s", err: error }]);
  });

  it.each([
    ["error", clientError("internal", new Error("broker is down"))],
    ["disconnect", disconnect("serverError", clientError("internal", new Error("broker is down")))],
  ])("a bug behind an %s is logged", (_name, error) => {
    const { lines, report } = start();
    failureOf(error, report);
    expect(lines).toMatchObject([{ level: "error", err: { message: "broker is down" } }]);
  });

  it("a bug is one line, however many wait for what it has broken", () => {
    const { lines, report } = start();
    const error = new Error("broker is down");
    for (let waiting = 0; waiting < 3; waiting++) failureOf(error, report);
    failureOf(clientError("internal", error), report);
    expect(lines).toHaveLength(1);
  });

  it("an error where nobody can be disconnected, and a disconnect where nobody can be answered", () => {
    const { lines, report } = start();
    const ending = disconnect("permissionDenied");
    expect(clientErrorOf(clientError("conflict"), report)).toMatchObject({ code: 113 });
    expect(disconnectOf(ending, report)).toBe(ending);
    expect(disconnectOf(clientError("conflict"), report)).toBeInstanceOf(Disconnect);
    expect(disconnectOf(clientError("conflict"), report)).toMatchObject({ code: 3004 });
    expect(lines).toEqual([]);
    expect(clientErrorOf(ending, report)).toMatchObject({ code: 100, cause: { cause: ending } });
    expect(lines).toMatchObject([{ level: "error", err: { cause: ending } }]);
  });
});
