import { expect, it } from "vitest";
import { Command, runCommand } from "../support/command.ts";
import { Workplace } from "../support/server-process.ts";

/** What the printed lines publish, as JSON transports and as bytes in JSON show it. */
const HELLO = /"data":\s*(\{"text":"hello"\}|"eyJ0ZXh0IjoiaGVsbG8ifQ==")/gu;
const FREE_PORTS = ["-p", "0", "--uni_grpc.port", "0", "--grpc_api.port", "0"];

interface PrintedLine {
  readonly label: string;
  readonly command: string;
}

/** The commands that the development server printed below a title, each with the label in front of it. */
function linesBelow(title: string, text: string): readonly PrintedLine[] {
  const part = text.split(/\n(?=\S)/u).find((candidate) => candidate.startsWith(title)) ?? "";
  return [...part.matchAll(/^ {2}# (.*)\n {2}(\S.*)$/gmu)].map(([, label = "", command = ""]) => ({
    label,
    command,
  }));
}

it("npm start: every printed line works as it is, and one publication arrives everywhere", async () => {
  await using server = new Command("npm", ["start", "--", ...FREE_PORTS]);
  // The last of the lines.
  await server.until(() => /^ {2}npx .*CentrifugoApi\/Publish.*\n/mu.test(server.stdout), "printed lines");
  const listeners = linesBelow('Listen to channel "news"', server.stdout);
  const publishers = linesBelow("Publish to it", server.stdout);
  expect(listeners.map(({ label }) => label)).toEqual([
    "HTTP streaming",
    "Server-Sent Events",
    "WebSocket",
    "gRPC",
  ]);
  expect(publishers.map(({ label }) => label.replace(/ \(.*/u, ""))).toEqual(["HTTP", "Connect", "gRPC"]);

  await using terminals = new AsyncDisposableStack();
  const open = listeners.map(({ command }) => terminals.use(new Command("bash", ["-c", command])));
  for (const terminal of open) {
    await terminal.until(() => /"connect":[^]*"news"/u.test(terminal.stdout), "connect push in the channel");
  }
  for (const [index, { label, command }] of publishers.entries()) {
    const { status, stdout, stderr } = await runCommand("bash", ["-c", command]);
    expect([label, status, JSON.parse(stdout), stderr]).toEqual([
      label,
      0,
      { result: {} },
      expect.any(String),
    ]);
    for (const terminal of open) {
      const count = (): number => [...terminal.stdout.matchAll(HELLO)].length;
      await terminal.until(() => count() > index, `publication made over ${label}`);
      expect(count()).toBe(index + 1);
    }
  }

  server.interrupt();
  for (const terminal of open) await terminal.until(() => terminal.stdout.includes("3001"), "shutdown");
  await server.until(() => server.stderr.includes('"server stopped"'), "end of the server");
  await server.untilEnd();
});

it("npm start: the lines for Pusher clients work too", async () => {
  await using server = new Command("npm", ["start", "--", ...FREE_PORTS]);
  await server.until(() => /^ {2}curl .*"pusher:news".*\n/mu.test(server.stdout), "printed lines");
  const [listen, publish] = linesBelow("Pusher clients", server.stdout);
  await using terminal = new Command("bash", ["-c", listen?.command ?? ""]);
  await terminal.until(() => terminal.stdout.includes("subscription_succeeded"), "subscription");
  const { stdout } = await runCommand("bash", ["-c", publish?.command ?? ""]);
  expect(JSON.parse(stdout)).toEqual({ result: {} });
  await terminal.until(() => terminal.stdout.includes('"greeting"'), "event");
  expect(JSON.parse(terminal.stdout.trim().split("\n").at(-1) ?? "")).toEqual({
    event: "greeting",
    channel: "news",
    data: '{"text":"hello"}',
  });
});

it("the development server lets a page of any origin in, and has the same keys after a restart", async () => {
  const secrets: string[] = [];
  for (let run = 0; run < 2; run++) {
    await using server = new Command("npm", ["start", "--", ...FREE_PORTS]);
    await server.untilPrinted("X-API-Key: ");
    await server.untilPrinted("authorization: apikey ");
    const port = httpPortOf(server);
    const [, key = ""] = /X-API-Key: ([\w-]+)/u.exec(server.stdout) ?? [];
    expect(key.length).toBeGreaterThanOrEqual(24);
    secrets.push(key);
    const preflight = await fetch(`http://localhost:${port}/connection/uni_http_stream`, {
      method: "OPTIONS",
      headers: { Origin: "http://localhost:5173", "Access-Control-Request-Headers": "content-type" },
    });
    expect(preflight.headers.get("access-control-allow-origin")).toBe("http://localhost:5173");
    expect((await fetch(`http://localhost:${port}/health`)).status).toBe(200);
    expect((await fetch(`http://localhost:${port}/api/info`, { method: "POST", body: "{}" })).status).toBe(
      401,
    );
  }
  expect(new Set(secrets).size).toBe(1);
});

it("npm start: a token that gentoken makes in another terminal lets its user in, with what it grants", async () => {
  await using server = new Command("npm", ["start", "--", ...FREE_PORTS]);
  await server.untilPrinted("authorization: apikey ");
  using elsewhere = new Workplace();
  const [line] = linesBelow("More tokens", server.stdout);
  expect((await runCommand("bash", ["-c", line?.command ?? ""])).stdout).toMatch(
    /^HMAC SHA-256 JWT for user "7"/u,
  );
  const made = await elsewhere.millrace(["gentoken", "--user", "7", "-q", "--channels", "news,sports"]);
  expect([made.status, made.stderr]).toEqual([
    0,
    expect.stringMatching(/^note: no token key is configured/u),
  ]);
  const url = `http://localhost:${httpPortOf(server)}/connection/uni_http_stream`;
  const request = new AbortController();
  const response = await fetch(url, {
    method: "POST",
    body: JSON.stringify({ token: made.stdout }),
    signal: request.signal,
  });
  const first = await response.body?.getReader().read();
  expect(JSON.parse(Buffer.from(first?.value ?? []).toString())).toMatchObject({
    connect: { subs: { "#7": {}, news: {}, sports: {} } },
  });
  const connections = [
    "connections",
    "--user",
    "7",
    "--json",
    "--url",
    url.replace(/\/connection.*/u, "/api"),
  ];
  expect((await elsewhere.millrace(connections)).stdout).toContain('"user":"7"');
  request.abort();
});

it("the development server is for this machine: its ports are open on loopback only, unless told otherwise", async () => {
  await using server = new Command("npm", ["start", "--", ...FREE_PORTS]);
  await server.until(() => server.stderr.includes('"server started"'), "start");
  const started = JSON.parse(
    server.stderr.split("\n").find((line) => line.includes('"server started"')) ?? "{}",
  );
  for (const name of ["http", "uniGrpc", "grpcApi"]) expect(started[name]).toMatch(/^127\.0\.0\.1:/u);
  await using open = new Command("npm", ["start", "--", ...FREE_PORTS, "-a", "0.0.0.0"]);
  await open.until(() => open.stderr.includes('"server started"'), "start");
  for (const name of ["http", "uniGrpc", "grpcApi"]) expect(open.stderr).toContain(`"${name}":"0.0.0.0:`);
});

/** The port of the lines that the server has printed. */
function httpPortOf({ stdout }: Command): string {
  return /http:\/\/localhost:(\d+)\/api/u.exec(stdout)?.[1] ?? "";
}
