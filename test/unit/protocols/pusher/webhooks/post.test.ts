import { describe, expect, it } from "vitest";
import { createPost } from "../../../../../src/protocols/pusher/webhooks/request.ts";
import { WebhookEndpoint } from "../../../../support/webhook-endpoint.ts";

const NEVER = new AbortController().signal;

function requestTo(url: string) {
  return { url, headers: { "content-type": "application/json" }, body: Buffer.from("{}") };
}

describe("a POST", () => {
  it("sends the bytes, and resolves to the status", async () => {
    await using endpoint = await WebhookEndpoint.start();
    endpoint.answer = (_request, response) => response.writeHead(503).end("busy");
    expect(await createPost(5000)(requestTo(endpoint.url), NEVER)).toBe(503);
    expect(endpoint.requests).toMatchObject([
      { rawBody: "{}", headers: { "content-type": "application/json" } },
    ]);
  });

  it("does not follow redirects", async () => {
    await using endpoint = await WebhookEndpoint.start();
    endpoint.answer = (_request, response) => response.writeHead(307, { location: endpoint.url }).end();
    expect(await createPost(5000)(requestTo(endpoint.url), NEVER)).toBe(307);
    expect(endpoint.requests).toHaveLength(1);
  });

  it("does not read an endless answer, nor one that breaks off", async () => {
    await using endpoint = await WebhookEndpoint.start();
    endpoint.answer = (request, response) => {
      response.writeHead(200);
      const write = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536)));
      };
      response.on("drain", write);
      if (request.headers["x-kind"] === "endless") write();
      else response.write("th", () => response.destroy());
    };
    const request = requestTo(endpoint.url);
    const post = createPost(5000);
    expect(await post({ ...request, headers: { "x-kind": "endless" } }, NEVER)).toBe(200);
    expect(await post(request, NEVER)).toBe(200);
  });

  it("is given up by its signal, and after its time", async () => {
    await using endpoint = await WebhookEndpoint.start();
    const controller = new AbortController();
    endpoint.answer = () => controller.abort(new Error("enough"));
    await expect(createPost(60_000)(requestTo(endpoint.url), controller.signal)).rejects.toThrow("enough");
    endpoint.answer = () => undefined;
    await expect(createPost(20)(requestTo(endpoint.url), NEVER)).rejects.toThrow("timeout");
  });
});
