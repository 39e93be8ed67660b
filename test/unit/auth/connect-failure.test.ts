import { expect, it } from "vitest";
import { ConnectFailureMap } from "../../../src/auth/connect-failure.ts";
import { ClientError, type ClientErrorName, clientError } from "../../../src/core/client-error.ts";
import { disconnect } from "../../../src/core/disconnect.ts";

const OFF = new ConnectFailureMap({
  enabled: false,
  transforms: [{ code: 109, to: { code: 4000, reason: "x" } }],
});

it.each<[ClientErrorName, number, string]>([
  ["tokenExpired", 3005, "connection expired"],
  ["expired", 3005, "connection expired"],
  ["tooManyRequests", 3013, "too many requests"],
  ["permissionDenied", 3507, "permission denied"],
  ["unknownChannel", 3004, "internal server error"],
  ["internal", 3004, "internal server error"],
  ["badRequest", 3004, "internal server error"],
])("%s becomes %i", (name, code, reason) => {
  const failure = clientError(name);
  expect(OFF.asDisconnect(failure)).toMatchObject({ code, reason, cause: failure });
});

it("a disconnect stays what it is", () => {
  const failure = disconnect("invalidToken");
  const transforms = [{ code: 3500, to: { code: 4000, reason: "x" } }];
  expect(new ConnectFailureMap({ enabled: true, transforms }).asDisconnect(failure)).toBe(failure);
});

it("uni 81: configured codes come first, and the first row of several", () => {
  const failures = new ConnectFailureMap({
    enabled: true,
    transforms: [
      { code: 1000, to: { code: 4400, reason: "x" } },
      { code: 1000, to: { code: 4401, reason: "y" } },
      { code: 109, to: { code: 4402, reason: "" } },
    ],
  });
  expect(failures.asDisconnect(new ClientError(1000, "app", false))).toMatchObject({
    code: 4400,
    reason: "x",
  });
  expect(failures.asDisconnect(clientError("tokenExpired"))).toMatchObject({ code: 4402, reason: "" });
  expect(failures.asDisconnect(clientError("expired"))).toMatchObject({ code: 3005 });
  expect(OFF.asDisconnect(new ClientError(1000, "app", false))).toMatchObject({ code: 3004 });
});
