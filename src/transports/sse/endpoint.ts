import type { IncomingMessage, ServerResponse } from "node:http";
import type { ConnectRequest } from "../../core/connect-request.ts";
import { queryOf, sendEmpty } from "../../http/http-app.ts";
import { PushTransport, PushTransportKind, type PushTransportOptions } from "../../http/push-transport.ts";
import { RequestHeaders } from "../../http/request-headers.ts";
import type { BodyFraming } from "../../http/response-stream.ts";
import {
  admitRequest,
  answerPreflight,
  connectParameterOf,
  ConnectRefusals,
  parseConnectRequest,
  readConnectRequest,
  type UniEndpointContext,
} from "../../http/uni-endpoint.ts";
import type { UniSseConfig } from "./config.ts";
import { parseEventId, SseEventIds } from "./event-ids.ts";
import { sseFramer } from "./framer.ts";

const EMPTY_REQUEST = "{}";
/** Sent at once, so that the browser's `open` event does not wait for the first push. */
const PREAMBLE = Buffer.from("\r\n");

/** The Server-Sent Events endpoint (docs/protocols/unidirectional.md §2.4). */
export class SseEndpoint {
  readonly #context: UniEndpointContext;
  readonly #config: UniSseConfig;
  readonly #kind: PushTransportKind;
  readonly #eventIds: Readonly<Record<BodyFraming, SseEventIds>> = {
    plain: new SseEventIds("plain"),
    chunked: new SseEventIds("chunked"),
  };

  constructor(context: UniEndpointContext, config: UniSseConfig) {
    this.#context = context;
    this.#config = config;
    this.#kind = new PushTransportKind({
      name: "uni_sse",
      protocol: "json",
      codecs: context.protocol.json,
      framer: sseFramer,
      contentType: "text/event-stream; charset=utf-8",
      pingIntervalMs: context.pingIntervalMs,
      wheel: context.wheel,
      preamble: PREAMBLE,
      refusals: new ConnectRefusals(config.connect_code_to_http_response),
    });
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!admitRequest(this.#context, request, response)) return;
    switch (request.method) {
      case "GET":
        return this.#openByQuery(request, response);
      case "POST":
        return this.#openByBody(request, response);
      case "OPTIONS":
        return answerPreflight(response, "GET, POST, OPTIONS");
      default:
        sendEmpty(response, 405);
    }
  }

  #openByQuery(request: IncomingMessage, response: ServerResponse): void {
    const read = (): Uint8Array => Buffer.from(connectParameterOf(request) || EMPTY_REQUEST);
    const connect = parseConnectRequest(this.#context, this.#context.protocol.json, read, request, response);
    if (connect === undefined) return;
    if (!this.#config.native_resume) return this.#open(request, response, connect);
    // Polyfills of `EventSource` that cannot set headers put the id into the address.
    const lastEventId = request.headers["last-event-id"] ?? queryOf(request).get("lastEventId") ?? undefined;
    const resumeFrom = lastEventId === undefined ? connect.resumeFrom : parseEventId(lastEventId.toString());
    const eventIds = (framing: BodyFraming): SseEventIds => this.#eventIds[framing];
    this.#open(request, response, { ...connect, resumeFrom }, { eventIds });
  }

  async #openByBody(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { json } = this.#context.protocol;
    const maxBytes = this.#config.max_request_body_size;
    const connect = await readConnectRequest(this.#context, json, maxBytes, request, response);
    if (connect !== undefined) this.#open(request, response, connect);
  }

  #open(
    request: IncomingMessage,
    response: ServerResponse,
    connect: ConnectRequest,
    options?: PushTransportOptions,
  ): void {
    const transport = new PushTransport(request, response, this.#kind, options);
    transport.run(this.#context.protocol, connect, new RequestHeaders(request));
  }
}
