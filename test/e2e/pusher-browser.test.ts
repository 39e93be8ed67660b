import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import type Pusher from "pusher";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { CHROMIUM_ARGS, findChromium } from "../support/chromium.ts";
import { Command, NODE } from "../support/command.ts";
import { APP, pusherConfig, sdkOf } from "../support/pusher-client.ts";
import { type RunningServer, runServer } from "../support/running-server.ts";
import { PATIENCE_MS } from "../support/signal.ts";

const CHROMIUM = findChromium();
const BUILD = import.meta.resolve("pusher-js/dist/web/pusher-with-encryption.min.js");

/** A page that notes all that `pusher-js` emits, line by line. */
function pageFor(server: RunningServer): string {
  const options = {
    cluster: "",
    wsHost: "127.0.0.1",
    wsPort: server.port,
    forceTLS: false,
    enabledTransports: ["ws"],
  };
  return `<!doctype html><link rel="icon" href="data:," /><ul></ul><script src="/pusher.js"></script><script>
    const note = (text) => {
      document.querySelector("ul").append(Object.assign(document.createElement("li"), { textContent: text }));
    };
    const pusher = new Pusher(${JSON.stringify(APP.key)}, {
      ...${JSON.stringify(options)},
      channelAuthorization: { endpoint: "/auth" },
      userAuthentication: { endpoint: "/user" },
    });
    pusher.connection.bind("state_change", ({ current }) => note("state " + current));
    pusher.user.bind_global((event, data) => note("user " + event + " " + JSON.stringify(data)));
    const listen = (name) => pusher.subscribe(name).bind_global((event, data) => {
      note(name + " " + event + " " + JSON.stringify(data));
    });
  </script>`;
}

describe.skipIf(CHROMIUM === undefined)("pusher-js in Chromium", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM ?? "", args: [...CHROMIUM_ARGS] });
  });
  afterAll(() => browser.close());

  /** Opens the page on a backend of its own, which signs for whatever its user asks for. */
  async function openPage(server: RunningServer, user: string): Promise<Page> {
    const sdk = sdkOf(server);
    const http = createServer((request, response) => {
      answer(sdk, server, user, request).then(
        (body) => response.end(body),
        (error: unknown) => response.destroy(error instanceof Error ? error : new Error("no answer")),
      );
    });
    http.listen(0, "127.0.0.1");
    await once(http, "listening");
    onTestFinished(() => void http.close());
    const page = await browser.newPage();
    onTestFinished(() => page.close());
    // An HTTP server listens on TCP.
    await page.goto(`http://127.0.0.1:${(http.address() as AddressInfo).port}/`);
    await untilNoted(page, "state connected");
    return page;
  }

  it("listens to public, private, encrypted and presence channels", async () => {
    await using server = await runServer(pusherConfig({ enable_client_messages: true }));
    const [one, two] = [await openPage(server, "1"), await openPage(server, "2")];
    for (const name of ["news", "private-a", "private-encrypted-a", "presence-a"]) {
      for (const page of [one, two]) {
        await page.evaluate(`listen(${JSON.stringify(name)})`);
        await untilNoted(page, `${name} pusher:subscription_succeeded`);
      }
    }
    await untilNoted(one, "presence-a pusher:member_added");
    expect(await untilNoted(two, "presence-a pusher:subscription_succeeded")).toContain('"count":2');
    const sdk = sdkOf(server);
    await sdk.trigger(["news", "private-a"], "e", { text: "ü" });
    await sdk.trigger("private-encrypted-a", "e", { secret: true });
    for (const page of [one, two]) {
      expect(await untilNoted(page, "news e")).toBe('news e {"text":"ü"}');
      expect(await untilNoted(page, "private-a e")).toBe('private-a e {"text":"ü"}');
      expect(await untilNoted(page, "private-encrypted-a e")).toBe('private-encrypted-a e {"secret":true}');
    }
    await one.evaluate('pusher.channel("private-a").trigger("client-e", { typing: true })');
    expect(await untilNoted(two, "private-a client-e")).toBe('private-a client-e {"typing":true}');
    await one.close();
    await untilNoted(two, "presence-a pusher:member_removed");
  });

  it("pusher 65: signs in and hears what is sent to its user", async () => {
    await using server = await runServer(pusherConfig());
    const page = await openPage(server, "42");
    await page.evaluate("pusher.signin()");
    await page.evaluate("pusher.user.signinDonePromise");
    await page.waitForFunction("pusher.user.serverToUserChannel.subscribed");
    await sdkOf(server).sendToUser("42", "hello", { n: 1 });
    expect(await untilNoted(page, "user hello")).toBe('user hello {"n":1}');
  });

  it("the example chat: a tab of pusher-js and one of EventSource hear each other", async () => {
    await using example = new Command(NODE, ["--conditions=millrace-source", "examples/chat/server.ts"], {
      env: { PORT: "0" },
    });
    await example.untilPrinted("open http://");
    const [origin = ""] = /http:\/\/localhost:\d+/u.exec(example.stdout) ?? [];
    const tabs = [];
    for (const path of ["pusher.html", "event-source.html"]) {
      const page = await browser.newPage();
      onTestFinished(() => page.close());
      await page.goto(`${origin}/${path}`);
      await page.getByText("connected", { exact: true }).waitFor();
      tabs.push(page);
    }
    for (const [at, page] of tabs.entries()) {
      await page.getByLabel("text").fill(`from tab ${at} <b>ü</b>`);
      await page.getByRole("button").click();
      const name = at === 0 ? "Ann" : "Bob";
      for (const tab of tabs)
        await tab.getByText(`${name}: from tab ${at} <b>ü</b>`, { exact: true }).waitFor();
    }
    example.kill("SIGTERM");
    expect(await example.untilEnd()).toEqual({ status: 0, signal: null });
  });
});

/** What the page's backend answers. */
async function answer(
  sdk: Pusher,
  server: RunningServer,
  user: string,
  request: IncomingMessage,
): Promise<string | Buffer> {
  const { url } = request;
  if (url === "/pusher.js") return readFile(fileURLToPath(BUILD));
  if (url === "/") return pageFor(server);
  const form = new URLSearchParams(await text(request));
  const [socketId, channel] = [form.get("socket_id") ?? "", form.get("channel_name") ?? ""];
  if (url === "/user") return JSON.stringify(sdk.authenticateUser(socketId, { id: user }));
  const member = { user_id: user, user_info: { name: `user ${user}` } };
  return JSON.stringify(
    sdk.authorizeChannel(socketId, channel, channel.startsWith("presence-") ? member : undefined),
  );
}

/** Resolves to the text that begins like that, once the page has noted one. */
async function untilNoted(page: Page, beginning: string): Promise<string> {
  const noted = `[...document.querySelectorAll("li")].map(({ textContent }) => textContent)`;
  const found = `${noted}.find((text) => text.startsWith(${JSON.stringify(beginning)}))`;
  await page.waitForFunction(found, undefined, { timeout: PATIENCE_MS });
  return page.evaluate(found);
}
