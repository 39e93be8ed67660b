import { once } from "node:events";
import { request } from "node:http";
import { text } from "node:stream/consumers";
import { type Browser, chromium, type Locator, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { CHROMIUM_ARGS, findChromium } from "../support/chromium.ts";
import { Command, runCommand } from "../support/command.ts";
import { PATIENCE_MS } from "../support/signal.ts";
import { OPEN, runDevServer, type RunningServer, runServer } from "../support/running-server.ts";

const chromiumPath = findChromium();
const KEY = "api-key-of-this-run";
const DEV = { ...OPEN, client: { ...OPEN.client, allowed_origins: ["*"] }, http_api: { key: KEY } };
const HTTP_PORTS = ["--uni_grpc.port", "0", "--grpc_api.port", "0"];

describe("the page of the development server", () => {
  it("keeps its keys to this machine", async () => {
    await using server = await runDevServer(DEV);
    const session = await get(server, "/dev/session");
    expect([session.status, JSON.parse(session.body)]).toMatchObject([200, { api: { key: KEY } }]);

    for (const path of ["/", "/dev/session"]) {
      // A name of somebody else's that leads here, as DNS rebinding has it.
      expect(await get(server, path, { host: "evil.example:8000" })).toMatchObject({ status: 403 });
      expect(await get(server, path, { host: "localhost.evil.example" })).toMatchObject({ status: 403 });
      // A proxy or a tunnel on this machine, with whoever behind it.
      expect(await get(server, path, { "x-forwarded-for": "203.0.113.7" })).toMatchObject({ status: 403 });
      expect(await get(server, path, { via: "1.1 tunnel" })).toMatchObject({ status: 403 });
      const refused = await get(server, path, { host: "192.0.2.1" });
      expect(refused.body).toContain(`only: http://localhost:${server.port}/`);
      // Nobody may read it from a page of another origin.
      const elsewhere = await get(server, path, { origin: "http://localhost:5173" });
      expect(elsewhere.headers).not.toHaveProperty("access-control-allow-origin");
      expect(elsewhere.headers["cross-origin-resource-policy"]).toBe("same-origin");
    }
    for (const site of ["cross-site", "same-site", "none"]) {
      const other = await get(server, "/dev/session", { "sec-fetch-site": site });
      expect([other.status, other.body.includes(KEY)]).toEqual([403, false]);
    }
    expect((await get(server, "/")).body).not.toContain(KEY);
    expect(await get(server, "/", {}, "POST")).toMatchObject({ status: 405 });
  });

  it("is not there when the server is not for development", async () => {
    await using server = await runServer(DEV);
    expect(await get(server, "/")).toMatchObject({ status: 404 });
    expect(await get(server, "/dev/session")).toMatchObject({ status: 404 });
  });

  it("follows the configuration: transports that are off, an API on another port, tokens of others", async () => {
    await using server = await runDevServer({
      http_server: { internal_port: 0, internal_address: "127.0.0.2", address: "127.0.0.1", port: 0 },
      client: { token: { jwks_public_endpoint: "http://127.0.0.1:9/keys" } },
      uni_sse: { enabled: false },
      uni_websocket: { handler_prefix: "/ws" },
    });
    expect(JSON.parse((await get(server, "/dev/session")).body)).toMatchObject({
      token: null,
      transports: { websocket: "/ws", httpStream: "/connection/uni_http_stream" },
      api: null,
    });
  });
});

describe.skipIf(chromiumPath === undefined)("the page of the development server, in a browser", () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: chromiumPath ?? "", args: [...CHROMIUM_ARGS] });
  });

  afterAll(() => browser?.close());

  /** Opens the page; whatever its console says, and whatever it asks of anybody else, fails the test. */
  async function open(url: string, viewport = { width: 1400, height: 900 }): Promise<Page> {
    const context = await browser.newContext({
      viewport,
      permissions: ["clipboard-read", "clipboard-write"],
    });
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    const strange: string[] = [];
    page.on("console", (message) => strange.push(message.text()));
    page.on("pageerror", (error) => strange.push(String(error)));
    page.on("request", (asked) => {
      if (new URL(asked.url()).origin !== new URL(url).origin) strange.push(asked.url());
    });
    onTestFinished(async () => {
      await context.close();
      expect(strange.filter((line) => !/ERR_(?:CONNECTION|INCOMPLETE|EMPTY)/u.test(line))).toEqual([]);
    });
    await page.goto(url);
    return page;
  }

  it("npm start: the first line leads to a page with a publication moving through it", async () => {
    await using server = new Command("npm", ["start", "--silent", "--", "-p", "0", ...HTTP_PORTS]);
    await server.untilPrinted("\n");
    const [, url = ""] = /^Open (http:\S+) in a browser/u.exec(server.stdout) ?? [];
    const page = await open(url);
    // Before anybody has done anything.
    await publications(page, "Server-Sent Events", '{"text":"hello"}').first().waitFor();
    await publications(page, "WebSocket", '{"text":"hello"}').first().waitFor();

    await page.getByRole("switch", { name: "HTTP stream" }).check();
    await page.getByText("Connected as user 42").nth(2).waitFor();
    await page.getByRole("textbox", { name: "Data JSON" }).fill('{"text": "it\'s me"}');
    await page.getByRole("button", { name: "Publish" }).click();
    for (const over of ["Server-Sent Events", "WebSocket", "HTTP stream"]) {
      await publications(page, over, '{"text":"it\'s me"}').waitFor();
    }

    await page.getByRole("button", { name: "Copy" }).click();
    await page.getByRole("button", { name: "Copied" }).waitFor();
    const line = await page.evaluate<string>("navigator.clipboard.readText()");
    const curl = await runCommand("bash", ["-c", line]);
    expect([curl.status, JSON.parse(curl.stdout)]).toEqual([0, { result: {} }]);
    for (const over of ["Server-Sent Events", "WebSocket", "HTTP stream"]) {
      await publications(page, over, '{"text":"it\'s me"}').nth(1).waitFor();
    }
  });

  it("works with a server of several processes", async () => {
    const args = ["start", "--silent", "--", "-p", "0", "--node.workers", "2", ...HTTP_PORTS];
    await using server = new Command("npm", args);
    await server.untilPrinted("\n");
    const [, url = ""] = /^Open (http:\S+) in a browser/u.exec(server.stdout) ?? [];
    const page = await open(url);
    for (const over of ["Server-Sent Events", "WebSocket"]) {
      await publications(page, over, '{"text":"hello"}').waitFor();
      expect(await publications(page, over, '{"text":"hello"}').count()).toBe(1);
    }
  });

  it("listens to what its address says, and keeps the address up to date", async () => {
    await using server = await runDevServer(DEV);
    const page = await open(`${server.origin}/?channel=sport&listen=httpStream`);
    await publications(page, "HTTP stream", '{"text":"hello"}').waitFor();
    expect(await page.getByRole("switch", { name: "WebSocket" }).isChecked()).toBe(false);

    const channel = page.getByRole("textbox", { name: "Channel" });
    await channel.fill("chess");
    await channel.press("Enter");
    await page.getByRole("switch", { name: "WebSocket" }).check();
    await page.waitForURL("**/?channel=chess&listen=websocket+httpStream");
    await page
      .getByRole("cell")
      .filter({ hasText: /"chess"/u })
      .nth(1)
      .waitFor();
    await server.publish("chess", { move: "e4" });
    await publications(page, "WebSocket", '{"move":"e4"}').waitFor();
    await publications(page, "HTTP stream", '{"move":"e4"}').waitFor();
    await page.getByRole("switch", { name: "HTTP stream" }).uncheck();
    await server.untilSessions(1);
  });

  it("says what is wrong", async () => {
    await using server = await runDevServer(DEV);
    const page = await open(`${server.origin}/?channel=unknown:news&listen=sse+websocket`);
    await page
      .getByText(/^Refused: .*\(\d{4}\); the server/u)
      .nth(1)
      .waitFor();
    expect(await page.getByRole("switch", { name: "WebSocket" }).isChecked()).toBe(false);
    await page.getByRole("button", { name: "Publish" }).click();
    const outcome = page.getByRole("status");
    await outcome.getByText("Error 102: unknown channel").waitFor();
    await page.getByRole("textbox", { name: "Data JSON" }).fill("{text: hello}");
    await page.getByRole("button", { name: "Publish" }).click();
    await outcome.getByText("The data is not JSON").waitFor();
  });

  it("comes back by itself to a server that was started again, with other keys", async () => {
    const args = ["start", "--silent", "--", ...HTTP_PORTS, "-p"];
    await using first = new Command("npm", [...args, "0"], { env: { MILLRACE_HTTP_API_KEY: "first" } });
    await first.untilPrinted("\n");
    const [, url = ""] = /^Open (http:\S+) in a browser/u.exec(first.stdout) ?? [];
    const page = await open(url);
    await publications(page, "WebSocket", '{"text":"hello"}').waitFor();
    first.interrupt();
    await first.untilEnd();
    await page
      .getByText(/^Coming back: /u)
      .nth(1)
      .waitFor();
    await page.getByRole("button", { name: "Publish" }).click();
    await page.getByRole("status").getByText("is the server still running?").waitFor();

    const { port } = new URL(url);
    await using second = new Command("npm", [...args, port], { env: { MILLRACE_HTTP_API_KEY: "second" } });
    await second.untilPrinted("\n");
    await page.getByText("Connected as user 42").nth(1).waitFor();
    await page.getByRole("button", { name: "Publish" }).click();
    for (const over of ["Server-Sent Events", "WebSocket"]) {
      await publications(page, over, '{"text":"hello"}').nth(1).waitFor();
      expect(await publications(page, over, '{"text":"hello"}').count()).toBe(2);
    }
  });

  it("repeats a publication, keeps the latest pushes, and forgets them when told", async () => {
    await using server = await runDevServer(DEV);
    const page = await open(`${server.origin}/?listen=websocket`);
    await page.getByRole("switch", { name: "Every second" }).check();
    await publications(page, "WebSocket", '{"text":"hello"}').nth(2).waitFor();
    await page.getByRole("switch", { name: "Every second" }).uncheck();
    for (let index = 0; index < 250; index++) await server.publish("news", { index });
    await publications(page, "WebSocket", '{"index":249}').waitFor();
    await page.getByText("latest 100").waitFor();
    expect(await page.getByRole("row").count()).toBe(1 + 100);
    await page.getByRole("button", { name: "Clear" }).click();
    await page.getByText("Nothing yet").waitFor();
  });

  it.each([400, 1400])("fits a window %i pixels wide", async (width) => {
    await using server = await runDevServer(DEV);
    const page = await open(server.origin, { width, height: 900 });
    await publications(page, "WebSocket", '{"text":"hello"}').waitFor();
    const wide = "x".repeat(2000);
    await server.publish("news", { wide });
    await page.getByRole("cell").filter({ hasText: "xxxx" }).first().waitFor();
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(width);
    await page.getByRole("cell").filter({ hasText: "xxxx" }).first().click();
    await page
      .getByText(/^\{.*"wide": "x+"/su)
      .first()
      .waitFor();
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(width);
  });
});

/** The rows of what came over a transport with some data. */
function publications(page: Page, over: string, data: string): Locator {
  return page
    .getByRole("row")
    .filter({ has: page.getByRole("cell", { name: over, exact: true }) })
    .filter({ has: page.getByRole("cell", { name: "publication", exact: true }) })
    .filter({ hasText: data });
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** A request whose headers are all up to the test; `fetch` sets some itself. */
async function get(
  { port }: RunningServer,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  method = "GET",
): Promise<Answer> {
  const asked = request({ host: "127.0.0.1", port, path, method, headers }).end();
  const [response] = await once(asked, "response");
  return { status: response.statusCode, headers: response.headers, body: await text(response) };
}
