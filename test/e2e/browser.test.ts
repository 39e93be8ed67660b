import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createViteServer } from "vitest/node";
import { CHROMIUM_ARGS, findChromium } from "../support/chromium.ts";
import { ROOT } from "../support/command.ts";
import { type ConfigInput, OPEN, type RunningServer, runServer } from "../support/running-server.ts";
import { Signal } from "../support/signal.ts";

const chromiumPath = findChromium();
const LISTENERS = ["sse", "webSocket", "httpStream", "connect", "connectJson", "grpcWeb"] as const;
const KEY = "api-key";

let browser: Browser;
let pageOrigin: string;
const resources = new AsyncDisposableStack();

beforeAll(async () => {
  if (chromiumPath === undefined) return;
  const cacheDir = mkdtempSync(join(tmpdir(), "millrace-vite-"));
  resources.defer(() => rmSync(cacheDir, { recursive: true, force: true }));
  // Serves the page and the generated code as they are, with types stripped.
  const vite = await createViteServer({
    root: ROOT,
    configFile: false,
    cacheDir,
    logLevel: "error",
    optimizeDeps: { noDiscovery: true, include: [] },
    server: { host: "127.0.0.1", port: 0, hmr: false, ws: false, watch: null },
  });
  resources.defer(() => vite.close());
  await vite.listen();
  const address = vite.httpServer?.address();
  pageOrigin = `http://localhost:${typeof address === "object" ? address?.port : 0}`;
  browser = await chromium.launch({ executablePath: chromiumPath, args: [...CHROMIUM_ARGS] });
  resources.defer(() => browser.close());
});

afterAll(() => resources.disposeAsync());

/** A page of another origin than the server's, with what its listeners have heard. */
class ListeningPage implements AsyncDisposable {
  readonly #page: Page;
  readonly #signal = new Signal();
  readonly #heard = new Map<string, string[]>();

  private constructor(page: Page) {
    this.#page = page;
  }

  static async open(): Promise<ListeningPage> {
    const page = await browser.newPage({ ignoreHTTPSErrors: true });
    const listening = new ListeningPage(page);
    await page.exposeFunction("report", (listener: string, event: string) => {
      listening.#heard.set(listener, [...listening.heardBy(listener), event]);
      listening.#signal.notify();
    });
    await page.goto(`${pageOrigin}/test/support/browser-page/index.html`);
    await page.waitForFunction("globalThis.listeners !== undefined");
    return listening;
  }

  /** Starts a listener of the page; `name` is what its events go by. */
  async listen(
    listener: (typeof LISTENERS)[number],
    server: RunningServer,
    name: string = listener,
  ): Promise<void> {
    const args = [server.origin, { news: {} }, name].map((argument) => JSON.stringify(argument)).join();
    await this.#page.evaluate(`void listeners.${listener}(${args})`);
  }

  heardBy(listener: string): readonly string[] {
    return this.#heard.get(listener) ?? [];
  }

  /** Resolves with all that a listener has heard, once there is so much of it. */
  async untilHeard(listener: string, count: number): Promise<readonly string[]> {
    const enough = (): boolean => this.heardBy(listener).length >= count;
    await this.#signal.until(enough, `${count} events of ${listener}`);
    return this.heardBy(listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#page.close();
  }
}

function runBrowserServer(config: ConfigInput = {}): Promise<RunningServer> {
  return runServer({
    ...OPEN,
    http_api: { key: KEY },
    uni_grpc: { enabled: true, address: "127.0.0.1", port: 0 },
    ...config,
    client: { ...OPEN.client, allowed_origins: [pageOrigin], ...config.client },
  });
}

async function callApi(server: RunningServer, method: string, request: string): Promise<void> {
  const headers = { "X-API-Key": KEY };
  const response = await fetch(`${server.origin}/api/${method}`, { method: "POST", headers, body: request });
  expect(await response.text()).toBe('{"result":{}}');
}

/** The payload of a publication as the page heard of it: JSON, or base64 where it is protobuf. */
function payloadIn(event: string | undefined): string {
  const [, base64] = /"data":"([\w+/]+=*)"/u.exec(event ?? "") ?? [];
  if (base64 !== undefined) return Buffer.from(base64, "base64").toString();
  return /"data":(.*)\}\}$/u.exec(event ?? "")?.[1] ?? "";
}

const note = chromiumPath === undefined ? " (skipped: this machine has no Chromium)" : "";

describe.skipIf(chromiumPath === undefined)(`a page in Chromium${note}`, () => {
  it("hears one publication on every transport", async () => {
    await using server = await runBrowserServer();
    await using page = await ListeningPage.open();
    for (const listener of LISTENERS) {
      await page.listen(listener, server);
      expect(await page.untilHeard(listener, 1)).toEqual([expect.stringContaining('"subs":{"news":{}}')]);
    }
    const payload = '{"text": "ü","big":12345678901234567890}';
    await callApi(server, "publish", `{"channel":"news","data":${payload}}`);
    for (const listener of LISTENERS) {
      const [, event] = await page.untilHeard(listener, 2);
      expect([listener, payloadIn(event)]).toEqual([listener, payload]);
    }
  });

  it("hears why it is disconnected, and how each transport ends", async () => {
    await using server = await runBrowserServer();
    await using page = await ListeningPage.open();
    for (const listener of LISTENERS) {
      await page.listen(listener, server);
      await page.untilHeard(listener, 1);
    }
    await callApi(server, "disconnect", '{"user":"","disconnect":{"code":4501,"reason":"bye"}}');
    const ends: Readonly<Record<string, string>> = { webSocket: "closed 4501", sse: "reconnecting" };
    for (const listener of LISTENERS) {
      const [, push, end] = await page.untilHeard(listener, 3);
      expect(JSON.parse(push ?? "")).toEqual({ disconnect: { code: 4501, reason: "bye" } });
      expect([listener, end]).toEqual([listener, ends[listener] ?? "ended"]);
    }
  });

  it("an EventSource connects again by itself after the server has closed it", async () => {
    await using server = await runBrowserServer();
    await using page = await ListeningPage.open();
    await page.listen("sse", server);
    await page.untilHeard("sse", 1);
    await callApi(server, "disconnect", '{"user":""}');
    const [first, push, error, second] = await page.untilHeard("sse", 4);
    expect(push).toBe('{"disconnect":{"code":3503,"reason":"force disconnect"}}');
    expect(error).toBe("reconnecting");
    expect(second).toContain('"subs":{"news":{}}');
    expect(second).not.toBe(first);
    await callApi(server, "publish", '{"channel":"news","data":1}');
    expect((await page.untilHeard("sse", 5)).at(-1)).toBe('{"channel":"news","pub":{"data":1}}');
  });

  it("of an origin that is not allowed hears nothing", async () => {
    await using server = await runBrowserServer({ client: { allowed_origins: ["https://example.com"] } });
    await using page = await ListeningPage.open();
    for (const listener of LISTENERS) {
      await page.listen(listener, server);
      const expected = listener === "webSocket" ? "closed 1006" : "failed";
      expect([listener, ...(await page.untilHeard(listener, 1))]).toEqual([listener, expected]);
    }
    // Streams that Chromium does not show to the page it keeps for a while.
    await page[Symbol.asyncDispose]();
    await server.untilSessions(0);
  });

  it("that is closed leaves nothing behind", async () => {
    await using server = await runBrowserServer();
    const page = await ListeningPage.open();
    for (const listener of LISTENERS) await page.listen(listener, server);
    for (const listener of LISTENERS) await page.untilHeard(listener, 1);
    await server.untilSessions(LISTENERS.length);
    await page[Symbol.asyncDispose]();
    await server.untilSessions(0);
    expect(await server.counts()).toEqual({ clients: 0, users: 0, channels: 0, subs: 0 });
  });

  it("understands compressed WebSocket frames", async () => {
    await using server = await runBrowserServer({ uni_websocket: { compression: true } });
    await using page = await ListeningPage.open();
    await page.listen("webSocket", server);
    await page.untilHeard("webSocket", 1);
    const payloads = Array.from({ length: 20 }, (_, index) => ({ index, text: "ü".repeat(index * 500) }));
    for (const payload of payloads) await server.publish("news", payload);
    const events = await page.untilHeard("webSocket", 21);
    expect(events.slice(1).map((event) => JSON.parse(payloadIn(event)) as unknown)).toEqual(payloads);
  });

  it("has more streams than HTTP/1.1 allows connections, over HTTP/2", async () => {
    const pem = (name: string): string => join(ROOT, "test/support/tls", name);
    const tls = { enabled: true, cert_pem: pem("server.pem"), key_pem: pem("server-key.pem") };
    await using server = await runBrowserServer({ http_server: { address: "127.0.0.1", port: 0, tls } });
    await using page = await ListeningPage.open();
    const names = Array.from({ length: 12 }, (_, index) => `sse ${index}`);
    for (const name of names) await page.listen("sse", server, name);
    for (const name of names) await page.untilHeard(name, 1);
    for (const listener of ["webSocket", "httpStream", "grpcWeb"] as const) {
      await page.listen(listener, server);
      await page.untilHeard(listener, 1);
    }
    await server.publish("news", 1);
    for (const name of [...names, "webSocket", "httpStream", "grpcWeb"]) {
      expect(payloadIn((await page.untilHeard(name, 2))[1])).toBe("1");
    }
  });
});
