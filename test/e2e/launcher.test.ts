import { stripVTControlCharacters } from "node:util";
import { describe, expect, it, vi } from "vitest";
import { Command, NODE, ROOT } from "../support/command.ts";
import type { ConfigInput } from "../support/running-server.ts";
import { parseLog, Workplace } from "../support/server-process.ts";
import { PATIENCE_MS } from "../support/signal.ts";

const LOCAL: ConfigInput = { http_server: { address: "127.0.0.1", port: 0 } };

/** `bin/millrace.mjs` on a Node.js, as users run it: outside npm. */
function startLauncher(workplace: Workplace, node: string): Command {
  workplace.write("config.json", LOCAL);
  const path = (process.env["PATH"] ?? "").split(":").filter((part) => !part.includes("node_modules"));
  const options = { cwd: workplace.directory, env: { PATH: path.join(":") } };
  return new Command(node, [`${ROOT}/bin/millrace.mjs`], options);
}

/** Resolves to the process id of the server, once it runs. */
async function untilStarted(launcher: Command): Promise<number> {
  const started = () => parseLog(launcher.stderr).find(({ message }) => message === "server started");
  await launcher.until(() => started() !== undefined, "start");
  return Number(started()?.["pid"]);
}

/** Whether there is such a process, or process group for a negative id. */
function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Resolves to true once there is none any more. */
async function isGone(pid: number): Promise<boolean> {
  await vi.waitFor(() => expect(isThere(pid)).toBe(false), PATIENCE_MS);
  return true;
}

describe.each([
  ["the Node.js of the project", NODE],
  ["whatever Node.js the machine has", "node"],
])("bin/millrace.mjs on %s", (_what, node) => {
  it.each(["SIGTERM", "SIGINT"] as const)("passes on SIGHUP, and %s of a supervisor", async (signal) => {
    using workplace = new Workplace();
    await using launcher = startLauncher(workplace, node);
    const pid = await untilStarted(launcher);
    launcher.kill("SIGHUP");
    await launcher.until(() => launcher.stderr.includes('"configuration reloaded"'), "reload");
    launcher.kill(signal);
    expect(await launcher.untilEnd()).toEqual({ status: 0, signal: null });
    expect(launcher.stderr).toContain('"server stopped"');
    expect(isThere(pid)).toBe(false);
  });

  it("stops once though a signal goes to all processes of the group, as Ctrl+C and systemd do it", async () => {
    using workplace = new Workplace();
    await using launcher = startLauncher(workplace, node);
    await untilStarted(launcher);
    launcher.interrupt();
    expect(await launcher.untilEnd()).toEqual({ status: 0, signal: null });
    expect(launcher.stderr).toContain('"server stopped"');
  });

  it("leaves no server behind when it is killed", async () => {
    using workplace = new Workplace();
    await using launcher = startLauncher(workplace, node);
    const pid = await untilStarted(launcher);
    launcher.kill("SIGKILL");
    expect(await isGone(pid)).toBe(true);
  });

  it("ends as the server ends", async () => {
    using workplace = new Workplace();
    await using launcher = startLauncher(workplace, node);
    process.kill(await untilStarted(launcher), "SIGKILL");
    expect(await launcher.untilEnd()).toEqual({ status: null, signal: "SIGKILL" });
  });

  it.each([0, 50, 100, 200, 400])("loses no signal in its first second: after %d ms", async (afterMs) => {
    using workplace = new Workplace();
    await using launcher = startLauncher(workplace, node);
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    launcher.kill("SIGTERM");
    await launcher.untilEnd();
    expect(await isGone(-(launcher.pid ?? 0))).toBe(true);
  });
});

it.each(process.platform === "linux" ? (["SIGTERM", "SIGHUP", "SIGKILL"] as const) : (["SIGTERM"] as const))(
  "npm start: no server is left behind when npm gets %s",
  async (signal) => {
    const ports = ["-p", "0", "--uni_grpc.port", "0", "--grpc_api.port", "0"];
    await using npm = new Command("npm", ["start", "--", ...ports]);
    await untilStarted(npm);
    npm.kill(signal);
    await npm.untilEnd();
    expect(await isGone(-(npm.pid ?? 0))).toBe(true);
    expect(npm.stderr).toContain('"server stopped"');
  },
);

it.skipIf(process.platform !== "linux")("npm start: no server begins when npm has gone already", async () => {
  using workplace = new Workplace();
  workplace.write("config.json", LOCAL);
  // As npm leaves it: the shell goes at once, long before Node has read the first line.
  const options = { cwd: workplace.directory, env: { npm_lifecycle_event: "start" } };
  await using shell = new Command("sh", ["-c", `${NODE} ${ROOT}/bin/millrace.mjs & exit`], options);
  await shell.untilEnd();
  expect(await isGone(-(shell.pid ?? 0))).toBe(true);
  expect(shell.stderr).toBe("");
});

it("npm start: the parents are those that the process had before another Node took its place", async () => {
  using workplace = new Workplace();
  workplace.write("config.json", LOCAL);
  const env = { npm_lifecycle_event: "start", MILLRACE_VAR_PARENTS: "gone meanwhile" };
  const options = { cwd: workplace.directory, env };
  await using launcher = new Command(NODE, [`${ROOT}/bin/millrace.mjs`], options);
  expect(await launcher.untilEnd()).toEqual({ status: null, signal: "SIGTERM" });
});

it.skipIf(process.platform !== "linux")("a server ends with the terminal it was started in", async () => {
  using workplace = new Workplace();
  workplace.write("config.json", LOCAL);
  const options = { cwd: workplace.directory };
  const line = `${NODE} ${ROOT}/bin/millrace.mjs`;
  await using terminal = new Command("script", ["-qfc", line, "/dev/null"], options);
  await terminal.untilPrinted("server started");
  const [, pid] = /pid=\D*(\d+)/u.exec(stripVTControlCharacters(terminal.stdout)) ?? [];
  terminal.kill("SIGKILL");
  expect(await isGone(Number(pid))).toBe(true);
});

describe("readers that go away", () => {
  it("a command whose output nobody reads any more ends without a word", async () => {
    using workplace = new Workplace();
    await using shell = workplace.shell("millrace defaultconfig --dry-run | head -1; echo ${PIPESTATUS[0]}");
    expect(await shell.untilEnd()).toEqual({ status: 0, signal: null });
    expect([shell.stdout, shell.stderr]).toEqual(["{\n0\n", ""]);
  });

  it.each(["1", "2"])("a server of %s workers goes on when its log reader has gone", async (workers) => {
    using workplace = new Workplace();
    workplace.write("config.json", { ...LOCAL, health: { enabled: true }, node: { workers } });
    await using shell = workplace.shell(
      "{ millrace serve & echo $! > pid; wait; echo $? > status; } 2>&1 | sed '/server started/q'",
    );
    await shell.untilPrinted('"server started"');
    const pid = Number(workplace.read("pid"));
    const http = String(parseLog(shell.stdout).at(-1)?.["http"]);
    for (let line = 0; line < 3; line++) {
      process.kill(pid, "SIGHUP");
      expect((await fetch(`http://${http}/health`)).status).toBe(200);
    }
    process.kill(pid, "SIGTERM");
    await shell.untilEnd();
    expect(workplace.read("status")).toBe("0\n");
  });

  it("a command that cannot print all of it fails", async () => {
    using workplace = new Workplace();
    await using shell = workplace.shell("millrace defaultconfig --dry-run > /dev/full");
    expect(await shell.untilEnd()).toEqual({ status: 1, signal: null });
  });

  it("a full disk is no reason to stop: log.file takes no line, and the server serves", async () => {
    using workplace = new Workplace();
    workplace.write("config.json", { ...LOCAL, log: { file: "/dev/full" }, pid_file: "pid" });
    await using server = workplace.start(["serve"]);
    await vi.waitFor(() => expect(workplace.read("pid")).toMatch(/^\d+\n$/u), PATIENCE_MS);
    server.kill("SIGTERM");
    expect(await server.untilEnd()).toEqual({ status: 0, signal: null });
    expect([server.stdout, server.stderr]).toEqual(["", ""]);
  });
});
