// A chat where one tab uses pusher-js and another one nothing but an EventSource: both listen to the same channel.
//
//   npm run example:chat
//
// and open http://localhost:3000/pusher.html beside http://localhost:3000/event-source.html.
import { readFile } from "node:fs/promises";
import { createServer as createHttpServer, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { createServer } from "millrace";

const FILES: Readonly<Record<string, readonly [url: string, type: string]>> = {
  "/": [import.meta.resolve("./index.html"), "text/html; charset=utf-8"],
  "/pusher.html": [import.meta.resolve("./pusher.html"), "text/html; charset=utf-8"],
  "/event-source.html": [import.meta.resolve("./event-source.html"), "text/html; charset=utf-8"],
  "/chat.js": [import.meta.resolve("./chat.js"), "text/javascript"],
  "/pusher.min.js": [import.meta.resolve("pusher-js/dist/web/pusher.min.js"), "text/javascript"],
};

const http = createHttpServer((request, response) => {
  answer(request)
    .then(([status, type, body]) => response.writeHead(status, { "Content-Type": type }).end(body))
    .catch((error: unknown) => response.writeHead(500).end(String(error)));
});

const millrace = createServer({
  attachTo: http,
  config: {
    pusher: {
      enabled: true,
      // The app's channels are `chat:…` to everybody else: Pusher's `lobby` is `chat:lobby`.
      apps: [{ id: "chat", key: "chat-key", secret: "chat-secret" }],
    },
    uni_sse: { enabled: true },
    client: { allow_anonymous_connect_without_token: true },
    channel: {
      namespaces: [{ name: "chat", allow_subscribe_for_client: true, allow_subscribe_for_anonymous: true }],
    },
  },
});
await millrace.start();

const port = Number(process.env["PORT"] ?? 3000);
http.listen(port, () => {
  const address = http.address();
  console.log(`open http://localhost:${typeof address === "object" ? address?.port : port}/`);
});

process.once("SIGTERM", () => {
  millrace
    .stop()
    .then(() => http.close())
    .catch(console.error);
});

/** The pages, and where they send what is said. */
async function answer(request: IncomingMessage): Promise<readonly [number, string, string | Buffer]> {
  const { method, url = "/" } = request;
  if (method === "POST" && url === "/messages") {
    const { name, text: said } = Object.fromEntries(new URLSearchParams(await text(request)));
    if (!name || !said) return [400, "text/plain", "name and text, please\n"];
    // The tag is the name of the event in Pusher's clients; the others get it as a tag.
    await millrace.publish("chat:lobby", { name, text: said }, { tags: { event: "said" } });
    return [200, "text/plain", "said\n"];
  }
  const [file, type] = FILES[url] ?? [];
  if (file === undefined || type === undefined) return [404, "text/plain", "no such page\n"];
  return [200, type, await readFile(fileURLToPath(file))];
}
