// A page, its live updates and the push server in one Node process.
//
//   node --conditions=millrace-source examples/embed.ts
//
// and open http://localhost:3000. (The condition is for this repository only, where there is no built package.)
import { createServer as createHttpServer } from "node:http";
import { createServer } from "millrace";

const PAGE = `<!doctype html>
<title>Millrace in your own server</title>
<h1>Time on the server: <output>…</output></h1>
<script>
  const source = new EventSource('/connection/uni_sse?cf_connect=' + encodeURIComponent('{"subs":{"time":{}}}'));
  source.onmessage = ({ data }) => {
    const { pub } = JSON.parse(data);
    if (pub) document.querySelector("output").textContent = pub.data.now;
  };
</script>`;

// Your own server, with your own routes…
const http = createHttpServer((_request, response) => {
  response.writeHead(200, { "Content-Type": "text/html; charset=utf-8" }).end(PAGE);
});

// …on which Millrace serves its paths too.
const millrace = createServer({
  attachTo: http,
  config: {
    uni_sse: { enabled: true },
    client: { allow_anonymous_connect_without_token: true },
    channel: {
      without_namespace: { allow_subscribe_for_client: true, allow_subscribe_for_anonymous: true },
    },
  },
});
await millrace.start();

const port = Number(process.env["PORT"] ?? 3000);
http.listen(port, () => console.log(`open http://localhost:${port}`));

const ticking = setInterval(() => {
  millrace.publish("time", { now: new Date().toISOString() }).catch(console.error);
}, 1000);

process.once("SIGTERM", () => {
  clearInterval(ticking);
  millrace
    .stop()
    .then(() => http.close())
    .catch(console.error);
});
