import { expect, it } from "vitest";
import { clientError } from "../../../src/core/client-error.ts";
import type { UniEncoding } from "../../../src/core/uni-protocol.ts";
import { connectParameterOf, parseConnectRequest } from "../../../src/http/uni-endpoint.ts";
import { jsonEncoding } from "../../../src/protocols/centrifugo/uni-protocol.ts";
import { serveRoutes } from "../../support/serve-routes.ts";
import { type LoggedLine, loggerOf, silentRefusals } from "../../support/silent-logger.ts";

/** The status of an answer to a request in an address, and what the log has then. */
async function statusOf(encoding: UniEncoding, query: string) {
  const lines: LoggedLine[] = [];
  const url = await serveRoutes(
    [
      {
        path: "/connect",
        handle(request, response) {
          const read = (): Uint8Array => Buffer.from(connectParameterOf(request));
          const connect = parseConnectRequest(
            { refusals: silentRefusals },
            encoding,
            read,
            request,
            response,
          );
          if (connect !== undefined) response.end(connect.token);
        },
      },
    ],
    loggerOf(lines),
  );
  const { status } = await fetch(`${url}/connect?${query}`);
  return { status, lines };
}

function throwing(error: Error): UniEncoding {
  return {
    ...jsonEncoding,
    parseRequest() {
      throw error;
    },
  };
}

it.each(["cf_connect=[", "cf_connect=%zz", "cf_connect=%7B%22name%22:%22%FF%22%7D"])(
  "a malformed connect request is the client's fault: %s",
  async (query) => {
    expect(await statusOf(jsonEncoding, query)).toEqual({ status: 400, lines: [] });
  },
);

it("a bug in a parser is told as 500 and logged, not taken for a malformed request", async () => {
  const error = new TypeError("a bug");
  expect(await statusOf(throwing(error), "")).toMatchObject({
    status: 500,
    lines: [{ level: "error", err: error }],
  });
  expect(await statusOf(throwing(clientError("badRequest")), "")).toMatchObject({ status: 400, lines: [] });
});
