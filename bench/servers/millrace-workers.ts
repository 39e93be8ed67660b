import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { NODE_FLAGS } from "../process/child.ts";
import { listen } from "../process/listen.ts";
import { treeCpuMicros } from "../process/process-tree.ts";
import { API_KEY, publishBody, BATCH_PATH, httpRequest } from "../wire/publish-request.ts";
import { LOOPBACK, publishChannel, type TransportName } from "../wire/transport.ts";
import { serveFanOut, type FanOutServer, type Round } from "./fan-out-host.ts";
import { fanOutConfig } from "./millrace-config.ts";

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const START_TIMEOUT_MS = 20_000;
/** Once one worker takes connections the others are not far. */
const OTHERS_START_MS = 1000;

/**
 * Millrace as one runs it, by its command line, with as many workers as the first argument says. A round is published
 * through the server API, as one batch whose commands do not wait for each other.
 */
class WorkersServer implements FanOutServer {
  readonly #workers: number;
  readonly #folder = mkdtempSync(join(tmpdir(), "millrace-bench-"));
  #process: ChildProcess | undefined;
  #port = 0;
  #api: Socket | undefined;
  #channel = "";
  #request: Buffer = Buffer.alloc(0);

  constructor(workers: number) {
    this.#workers = workers;
    process.once("SIGTERM", () => process.exit(1));
    process.once("exit", () => {
      this.#process?.kill("SIGTERM");
      rmSync(this.#folder, { recursive: true, force: true });
    });
  }

  async start(transport: TransportName): Promise<number> {
    requireOption();
    this.#channel = publishChannel(transport);
    const [port, grpcPort] = [await freePort(), await freePort()];
    const config = fanOutConfig(transport, { port, grpcPort });
    const file = join(this.#folder, "config.json");
    const all = {
      ...config,
      http_api: { key: API_KEY },
      shutdown: { timeout: "1s" },
      node: { workers: this.#workers },
    };
    writeFileSync(file, JSON.stringify(all));
    this.#process = spawn(process.execPath, [...NODE_FLAGS, MAIN, "serve", "-c", file], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    this.#port = port;
    await waitUntilUp(port);
    await sleep(OTHERS_START_MS);
    return transport === "uni_grpc" ? grpcPort : port;
  }

  prepare({ payloadBytes, burst }: Round): void {
    const commands = Array<string>(burst).fill(
      `{"publish":${publishBody(payloadBytes, this.#channel).toString()}}`,
    );
    const body = Buffer.from(`{"parallel":true,"commands":[${commands.join(",")}]}`);
    const headers = { "Content-Type": "application/json", "X-API-Key": API_KEY };
    this.#request = httpRequest({ path: BATCH_PATH, headers, body });
    // The server may have closed the last connection meanwhile, for it was idle.
    this.#api?.destroy();
    this.#api = connect({ host: LOOPBACK, port: this.#port, noDelay: true });
    this.#api.on("data", (answer) => {
      if (answer.includes('"error"')) throw new Error(`publishing fails: ${answer.toString("latin1")}`);
    });
  }

  publish(): void {
    this.#api?.write(this.#request);
  }

  cpuMicros(): number {
    return treeCpuMicros(this.#process?.pid ?? process.pid);
  }
}

/** Throws when this version does not know about workers. */
function requireOption(): void {
  const args = [MAIN, "defaultconfig", "--dry-run", "-c", "config.json"];
  const defaults: unknown = JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" }));
  const { node } = defaults as { readonly node?: { readonly workers?: unknown } };
  if (node?.workers === undefined) throw new Error("this version has no option node.workers");
}

async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  server.close();
  await once(server, "close");
  return port;
}

async function waitUntilUp(port: number): Promise<void> {
  for (const startedAt = Date.now(); Date.now() - startedAt < START_TIMEOUT_MS;) {
    const socket = connect({ host: LOOPBACK, port, noDelay: true });
    try {
      // Waiting is the point.
      await once(socket, "connect");
      socket.destroy();
      return;
    } catch {
      // Waiting is the point.
      await sleep(50);
    }
  }
  throw new Error("the server does not start");
}

serveFanOut(new WorkersServer(Number(process.argv[2] ?? 1)));
