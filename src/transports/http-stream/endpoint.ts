import type { IncomingMessage, ServerResponse } from "node:http";
import { sendEmpty } from "../../http/http-app.ts";
import { PushTransport, PushTransportKind } from "../../http/push-transport.ts";
import { RequestHeaders } from "../../http/request-headers.ts";
import {
  admitRequest,
  answerPreflight,
  ConnectRefusals,
  readConnectRequest,
  type UniEndpointContext,
} from "../../http/uni-endpoint.ts";
import type { UniHttpStreamConfig } from "./config.ts";
import { lineFramer } from "./framer.ts";

/** The HTTP streaming endpoint (docs/protocols/unidirectional.md §2.3). */
export class HttpStreamEndpoint {
  readonly #context: UniEndpointContext;
  readonly #config: UniHttpStreamConfig;
  readonly #kind: PushTransportKind;

  constructor(context: UniEndpointContext, config: UniHttpStreamConfig) {
    this.#context = context;
    this.#config = config;
    this.#kind = new PushTransportKind({
      name: "uni_http_stream",
      protocol: "json",
      codecs: context.protocol.json,
      framer: lineFramer,
      contentType: "text/plain; charset=utf-8",
      pingIntervalMs: context.pingIntervalMs,
      wheel: context.wheel,
      refusals: new ConnectRefusals(config.connect_code_to_http_response),
    });
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!admitRequest(this.#context, request, response)) return;
    if (request.method === "OPTIONS") return answerPreflight(response, "POST, OPTIONS");
    if (request.method !== "POST") return sendEmpty(response, 405);
    const context = this.#context;
    const { protocol } = context;
    const maxBytes = this.#config.max_request_body_size;
    const connect = await readConnectRequest(context, protocol.json, maxBytes, request, response);
    if (connect === undefined) return;
    new PushTransport(request, response, this.#kind).run(protocol, connect, new RequestHeaders(request));
  }
}
