import type { IncomingMessage, ServerResponse } from "node:http";
import type { ConnectRequest } from "../../core/uni-protocol.ts";
import { ConnectRefusals } from "../../http/connect-refusals.ts";
import { queryOf, sendEmpty } from "../../http/http-app.ts";
import { PushTransport, PushTransportKind } from "../../http/push-transport.ts";
import type { BodyFraming } from "../../http/response-stream.ts";
import {
  admitRequest,
  parseConnectRequest,
  readConnectRequest,
  type UniEndpointContext,
  vouchedHeaders,
} from "../../http/uni-endpoint.ts";
import type { UniSseConfig } from "./config.ts";
import { sseFramer } from "./framer.ts";
import { EventIds, parseEventId } from "./resume.ts";

const EMPTY_REQUEST = Buffer.from("{}");
/** Sent at once, so that the browser's `open` event does not wait for the first push. */
const PREAMBLE = Buffer.from("\r\n");

/** The Server-Sent Events endpoint (uni-transports §2.4). */
export class SseEndpoint {
  readonly #context: UniEndpointContext;
  readonly #config: UniSseConfig;
  readonly #kind: PushTransportKind;
  readonly #eventIds: Readonly<Record<BodyFraming, EventIds>> = {
    plain: new EventIds("plain"),
    chunked: new EventIds("chunked"),
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
    const encoding = this.#context.protocol.json;
    if (request.method === "GET") {
      const inQuery = queryOf(request).get("cf_connect");
      const bytes = inQuery === null || inQuery === "" ? EMPTY_REQUEST : Buffer.from(inQuery);
      const connect = parseConnectRequest(encoding, bytes, response);
      if (connect === undefined) return;
      if (this.#config.native_resume) this.#openResumable(request, response, connect);
      else this.#open(request, response, connect);
    } else if (request.method === "POST") {
      const maxBytes = this.#config.max_request_body_size;
      const connect = await readConnectRequest(encoding, maxBytes, request, response);
      if (connect !== undefined) this.#open(request, response, connect);
    } else {
      sendEmpty(response, 405);
    }
  }

  #openResumable(request: IncomingMessage, response: ServerResponse, connect: ConnectRequest): void {
    const lastEventId = request.headers["last-event-id"];
    const resumeFrom = typeof lastEventId === "string" ? parseEventId(lastEventId) : connect.resumeFrom;
    const transport = new PushTransport(request, response, this.#kind, {
      resumeMarks: (framing) => this.#eventIds[framing],
    });
    transport.run(this.#context.protocol, { ...connect, resumeFrom }, vouchedHeaders(request));
  }

  #open(request: IncomingMessage, response: ServerResponse, connect: ConnectRequest): void {
    const transport = new PushTransport(request, response, this.#kind);
    transport.run(this.#context.protocol, connect, vouchedHeaders(request));
  }
}
