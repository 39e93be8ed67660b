import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { CHROMIUM_ARGS, findChromium } from "../support/chromium.ts";
import { parsePush, type PushJson } from "../support/push-stream.ts";
import {
  type ConfigInput,
  endpointUrl,
  OPEN,
  type RunningServer,
  runServer,
} from "../support/running-server.ts";
import { SeverableProxy } from "../support/severable-proxy.ts";
import { PATIENCE_MS } from "../support/signal.ts";

const CHROMIUM = findChromium();
const PUBLISH_INTERVAL_MS = 20;

const RECOVERABLE = {
  allow_subscribe_for_client: true,
  allow_subscribe_for_anonymous: true,
  history_size: 10_000,
  history_ttl: "60s",
  force_recovery: true,
};
const CONFIG: ConfigInput = {
  client: { ...OPEN.client, allowed_origins: ["*"], recovery_max_publication_limit: 10_000 },
  channel: {
    without_namespace: RECOVERABLE,
    namespaces: [{ name: "short", ...RECOVERABLE, history_size: 2 }],
  },
};

/** What the page says, and all of its code. */
function pageOf(url: string): string {
  return `<!doctype html><ul></ul><script>
    new EventSource(${JSON.stringify(url)}).onmessage = ({ data }) => {
      document.querySelector("ul").append(Object.assign(document.createElement("li"), { textContent: data }));
    };
  </script>`;
}

/** Serves one page. */
async function servePage(html: string): Promise<Server> {
  const server = createServer((_request, response) => {
    response.setHeader("Content-Type", "text/html");
    response.end(html);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

describe.skipIf(CHROMIUM === undefined)("a page with nothing but an EventSource, in Chromium", () => {
  let browser: Browser;
  let server: RunningServer;
  beforeAll(async () => {
    server = await runServer(CONFIG);
    browser = await chromium.launch({ executablePath: CHROMIUM ?? "", args: [...CHROMIUM_ARGS] });
  });
  afterAll(async () => {
    await browser.close();
    await server[Symbol.asyncDispose]();
  });

  /** Opens a page that listens to channels through the proxy. */
  async function openPage(proxy: SeverableProxy, ...channels: readonly string[]): Promise<Page> {
    const subs = Object.fromEntries(channels.map((channel) => [channel, {}]));
    const html = await servePage(pageOf(endpointUrl(`http://127.0.0.1:${proxy.port}`, "uni_sse", { subs })));
    onTestFinished(() => void html.close());
    const page = await browser.newPage();
    onTestFinished(() => page.close());
    // An HTTP server listens on TCP.
    await page.goto(`http://127.0.0.1:${(html.address() as AddressInfo).port}/`);
    await untilShown(page, '"connect"');
    return page;
  }

  async function untilShown(page: Page, text: string, times = 1): Promise<void> {
    await page
      .locator("li", { hasText: text })
      .nth(times - 1)
      .waitFor({ state: "attached", timeout: PATIENCE_MS });
  }

  async function pushesOn(page: Page): Promise<PushJson[]> {
    return (await page.locator("li").allTextContents()).map(parsePush);
  }

  function dataOn(pushes: readonly PushJson[], channel: string): unknown[] {
    return pushes
      .filter((push) => push.pub !== undefined && push.channel === channel)
      .map(({ pub }) => pub?.data);
  }

  it("has every publication exactly once and in order, however its connection breaks", async () => {
    await using proxy = await SeverableProxy.open(server.port);
    const page = await openPage(proxy, "a", "b&=");
    let count = 0;
    const publishing = setInterval(() => {
      count += 1;
      void server.publish("a", count);
      void server.publish("b&=", -count);
    }, PUBLISH_INTERVAL_MS);
    onTestFinished(() => clearInterval(publishing));
    await untilShown(page, '"data":10,');
    proxy.cut();
    await untilShown(page, '"connect"', 2);
    // In the middle of an event, whose id has arrived already.
    const line = '"pub":{"data":';
    await proxy.cutBehind(line);
    await untilShown(page, '"connect"', 3);
    clearInterval(publishing);
    await untilShown(page, `"data":${count},`);
    await untilShown(page, `"data":${-count},`);
    expect(proxy.connections).toBeGreaterThanOrEqual(3);
    const pushes = await pushesOn(page);
    const all = Array.from({ length: count }, (_, at) => at + 1);
    expect(dataOn(pushes, "a")).toEqual(all);
    expect(dataOn(pushes, "b&=")).toEqual(all.map((number) => -number));
    const reconnects = pushes.flatMap(({ connect }) => (connect === undefined ? [] : [connect])).slice(1);
    for (const { subs } of reconnects) {
      expect(subs).toMatchObject({ a: { recovered: true }, "b&=": { recovered: true } });
    }
  });

  it("is told when something could not be recovered", async () => {
    await using proxy = await SeverableProxy.open(server.port);
    const page = await openPage(proxy, "short:a");
    await server.publish("short:a", 1);
    await untilShown(page, '"data":1,');
    proxy.cut();
    await server.untilSessions(0);
    for (const data of [2, 3, 4]) await server.publish("short:a", data);
    await untilShown(page, '"connect"', 2);
    await server.publish("short:a", 5);
    await untilShown(page, '"data":5,');
    const pushes = await pushesOn(page);
    expect(dataOn(pushes, "short:a")).toEqual([1, 5]);
    const again = pushes.findLast(({ connect }) => connect !== undefined)?.connect?.subs?.["short:a"];
    expect(again).toMatchObject({ was_recovering: true, offset: 4 });
    expect(again).not.toHaveProperty("recovered");
  });
});
