import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { API_CONFIG, askApi, callApi } from "../support/api-client.ts";
import { openHttpStream } from "../support/push-stream.ts";
import type { ConfigInput } from "../support/running-server.ts";
import { parseLog, ServerProcess, Workplace } from "../support/server-process.ts";
import { hmacToken } from "../unit/auth/tokens.ts";

const CONFIG: ConfigInput = {
  http_server: { address: "127.0.0.1", port: 0 },
  http_api: API_CONFIG,
  client: { token: { hmac_secret_key: "k" } },
  uni_http_stream: { enabled: true },
};
const DURABLE: ConfigInput = { ...CONFIG, store: { path: "millrace.db" } };

/** What a connect is refused with; 0 when it is not. */
async function refusalOf(server: ServerProcess, claims: Readonly<Record<string, unknown>>): Promise<number> {
  await using stream = await openHttpStream(server, { token: hmacToken(claims) });
  const push = await stream.next();
  return push.connect === undefined ? (push.disconnect?.code ?? Number.NaN) : 0;
}

/** Blocks one user after the other, several at a time, until the server is gone; resolves to those acknowledged. */
async function blockUntilGone(server: ServerProcess, killAfter: number): Promise<string[]> {
  const acknowledged: string[] = [];
  let last = 0;
  const work = async (): Promise<void> => {
    for (;;) {
      last += 1;
      const user = `user ${last}`;
      try {
        if ((await callApi(server, "block_user", { user })).text !== '{"result":{}}') return;
      } catch {
        // The server is gone.
        return;
      }
      acknowledged.push(user);
      if (acknowledged.length === killAfter) server.kill("SIGKILL");
    }
  };
  await Promise.all(Array.from({ length: 8 }, work));
  return acknowledged;
}

describe("with store.path", () => {
  it("nothing acknowledged is lost over kill -9, again and again", async () => {
    using workplace = new Workplace();
    const acknowledged = new Set<string>();
    for (const killAfter of [1, 50, 200]) {
      await using server = await ServerProcess.start({ workplace, config: DURABLE });
      for (const user of await blockUntilGone(server, killAfter)) acknowledged.add(user);
      expect((await server.untilEnd()).signal).toBe("SIGKILL");
    }
    expect(acknowledged.size).toBeGreaterThanOrEqual(200);
    await using server = await ServerProcess.start({ workplace, config: DURABLE });
    for (const user of acknowledged)
      expect([user, await refusalOf(server, { sub: user })]).toEqual([user, 3507]);
    expect(await refusalOf(server, { sub: "somebody else" })).toBe(0);
  });

  it("every kind of command is remembered over kill -9, and so is its end", async () => {
    using workplace = new Workplace();
    {
      await using server = await ServerProcess.start({ workplace, config: DURABLE });
      for (const [method, request] of [
        ["block_user", { user: "blocked" }],
        ["block_user", { user: "forgiven" }],
        ["unblock_user", { user: "forgiven" }],
        ["revoke_token", { uid: "jti", expire_at: 4_000_000_000 }],
        ["invalidate_user_tokens", { user: "old", issued_before: 1000 }],
        ["update_user_status", { users: ["1", "2"], state: "away" }],
        ["delete_user_status", { users: ["2"] }],
      ] as const) {
        expect(await askApi(server, method, request)).toEqual({ result: {} });
      }
      await server.stop("SIGKILL");
    }
    await using server = await ServerProcess.start({ workplace, config: DURABLE });
    expect(await refusalOf(server, { sub: "blocked" })).toBe(3507);
    expect(await refusalOf(server, { sub: "forgiven" })).toBe(0);
    expect(await refusalOf(server, { sub: "1", jti: "jti" })).toBe(3005);
    expect(await refusalOf(server, { sub: "old", iat: 999 })).toBe(3005);
    expect(await refusalOf(server, { sub: "old", iat: 1000 })).toBe(0);
    expect(await askApi(server, "get_user_status", { users: ["1", "2"] })).toEqual({
      result: {
        statuses: [{ user: "1", active: expect.any(Number), state: "away" }, { user: "2" }],
      },
    });
  });

  it("a clean stop remembers who was connected last, and warns of nothing", async () => {
    using workplace = new Workplace();
    {
      await using server = await ServerProcess.start({ workplace, config: DURABLE });
      await using stream = await openHttpStream(server, { token: hmacToken({ sub: "42" }) });
      await stream.next();
      expect(await server.stop()).toEqual({ status: 0, signal: null });
      expect(server.stderr).not.toContain("Warning");
    }
    await using server = await ServerProcess.start({ workplace, config: DURABLE });
    expect(await askApi(server, "get_user_status", { users: ["42"] })).toEqual({
      result: { statuses: [{ user: "42", online: expect.any(Number) }] },
    });
  });

  it("a file in use ends the start with one sentence that names the option", async () => {
    using workplace = new Workplace();
    await using server = await ServerProcess.start({ workplace, config: DURABLE });
    expect(server.ports.http).toBeGreaterThan(0);
    expect(await workplace.millrace(["serve"])).toEqual({
      status: 1,
      stdout: "",
      stderr: expect.stringContaining("error: store.path: cannot use millrace.db: in use by another process"),
    });
  });

  it("so does a file that is none of ours, or a place that is none", async () => {
    using workplace = new Workplace();
    workplace.write("config.json", DURABLE);
    writeFileSync(join(workplace.directory, "millrace.db"), "no database ".repeat(1000));
    expect((await workplace.millrace(["serve"])).stderr).toContain(
      "error: store.path: cannot use millrace.db: not a database",
    );
    mkdirSync(join(workplace.directory, "directory"));
    for (const path of ["directory", "missing/millrace.db"]) {
      const { status, stderr } = await workplace.millrace(["serve", "--store.path", path]);
      expect([status, stderr]).toEqual([
        1,
        expect.stringContaining(`error: store.path: cannot use ${path}: cannot be opened`),
      ]);
    }
  });
});

it("the log says where everything is", async () => {
  for (const [config, store] of [
    [CONFIG, "memory"],
    [DURABLE, DURABLE.store?.path],
  ] as const) {
    await using server = await ServerProcess.start({ config });
    const started = parseLog(server.stderr).filter(({ message }) => message === "server started");
    expect(started).toMatchObject([{ store }]);
  }
});
