import { createServer } from "node:http";
import { listen } from "../process/listen.ts";
import { serveUnary } from "./unary-host.ts";

/** The least that `node:http` can do: read a body, answer with it. */
serveUnary(async () => {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks);
      response.writeHead(200, { "Content-Type": "application/json", "Content-Length": body.byteLength });
      response.end(body);
    });
  });
  return listen(server);
});
