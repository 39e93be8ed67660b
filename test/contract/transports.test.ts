import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { CentrifugoUniStream } from "../../gen/centrifugal/centrifugo/unistream/unistream_pb.ts";
import type { MessageEncoding } from "../../src/core/bidi-protocol.ts";
import type { Disconnect } from "../../src/core/disconnect.ts";
import { LiveValue } from "../../src/core/live.ts";
import { ConnectionGate } from "../../src/http/connection-gate.ts";
import { HttpApp, type Route } from "../../src/http/http-app.ts";
import { HttpListener } from "../../src/http/http-listener.ts";
import { OriginPolicy } from "../../src/http/origin-policy.ts";
import type { UniEndpointContext } from "../../src/http/uni-endpoint.ts";
import { jsonEncoding, protobufEncoding } from "../../src/protocols/centrifugo/uni-protocol.ts";
import { createConsumeRoutes } from "../../src/transports/connect/index.ts";
import { uniGrpcConfig } from "../../src/transports/grpc/config.ts";
import { createUniGrpcListener } from "../../src/transports/grpc/index.ts";
import { uniHttpStreamConfig } from "../../src/transports/http-stream/config.ts";
import { uniHttpStreamEdge } from "../../src/transports/http-stream/index.ts";
import { uniSseConfig } from "../../src/transports/sse/config.ts";
import { uniSseEdge } from "../../src/transports/sse/index.ts";
import { uniWebSocketConfig } from "../../src/transports/websocket/config.ts";
import type { WebSocketCompression } from "../../src/transports/websocket/endpoint.ts";
import { createWebSocketRoutes, uniWebSocketEdge } from "../../src/transports/websocket/index.ts";
import { silentRefusals } from "../support/silent-logger.ts";
import {
  callBody,
  Http1StreamClient,
  Http2StreamClient,
  type Split,
  splitEnvelopes,
  splitEnvelopeTexts,
  splitEvents,
  splitLines,
  type StreamRequest,
  WebSocketTransportClient,
} from "./transport-clients.ts";
import type { TransportClient, TransportEnds, TransportKind, TransportParts } from "./transport-harness.ts";
import { describeTransportContract } from "./transport.contract.ts";

const PING_INTERVAL_MS = 25_000;
const CONSUME_PATH = `/${CentrifugoUniStream.typeName}/${CentrifugoUniStream.method.consume.name}`;

/** The routes of a transport over HTTP. */
type CreateRoutes = (context: UniEndpointContext, parts: TransportParts) => readonly Route[];

/** Opens a connection of a client to a port of this machine. */
type Connect = (port: number) => Promise<TransportClient>;

/** Serves routes on a listener of our own. */
function onListener(createRoutes: CreateRoutes, connect: Connect): TransportKind["serve"] {
  return async (parts) => {
    const app = new HttpApp(createRoutes(contextOf(parts), parts), parts.logger);
    const listener = new HttpListener(app, { host: "127.0.0.1", port: 0, tls: undefined });
    const { port } = await listener.start();
    return {
      connect: () => connect(port),
      async [Symbol.asyncDispose]() {
        listener.stopAccepting();
        await listener.drain(AbortSignal.abort());
      },
    };
  };
}

/** Serves routes on an HTTP server of the program that we are a part of. */
function onHost(createRoutes: CreateRoutes, connect: Connect): TransportKind["serve"] {
  return async (parts) => {
    const app = new HttpApp(createRoutes(contextOf(parts), parts), parts.logger);
    const host = createServer((request, response) => app.handle(request, response));
    await new Promise<void>((resolve) => host.listen(0, "127.0.0.1", resolve));
    // A server that listens on a port has such an address.
    const { port } = host.address() as AddressInfo;
    return {
      connect: () => connect(port),
      async [Symbol.asyncDispose]() {
        host.closeAllConnections();
        host.close();
      },
    };
  };
}

function contextOf({ protocol, wheel, clock }: TransportParts): UniEndpointContext {
  const limits = new LiveValue({ connectionLimit: 0, connectionRateLimit: 0 });
  return {
    protocol,
    wheel,
    gate: new ConnectionGate({ limits, connectionCount: () => 0, clock }),
    origins: new OriginPolicy(["*"]),
    refusals: silentRefusals,
    pingIntervalMs: PING_INTERVAL_MS,
    pongTimeoutMs: 10_000,
    closing: new AbortController().signal,
  };
}

function overHttp1(request: StreamRequest): Connect {
  return (port) => Http1StreamClient.open(port, request);
}

function overHttp2(request: StreamRequest): Connect {
  return (port) => Http2StreamClient.open(port, request);
}

// WebSocket

const closeFrame = ({ code, reason }: Disconnect): string => `${code} ${reason}`;
const CLOSE_FRAMES: TransportEnds = { closed: closeFrame, aborted: closeFrame, cut: "1006" };

function uniWebSocket(options: object, ends = CLOSE_FRAMES): TransportKind {
  const config = uniWebSocketConfig.parse({ enabled: true, ...options });
  const split = (message: Buffer): readonly Buffer[] =>
    config.join_push_messages ? splitLines(Buffer.concat([message, Buffer.from("\n")])).messages : [message];
  const perMessageDeflate = config.compression;
  return {
    name: "uni_websocket",
    protocol: "json",
    pingIntervalMs: PING_INTERVAL_MS,
    sendsDisconnectPush: !config.disable_disconnect_push,
    hasDeltas: true,
    ends,
    patienceMs: 1000,
    serve: onListener(
      (context) => uniWebSocketEdge.routes(context, config),
      (port) =>
        WebSocketTransportClient.open(port, config.handler_prefix, "{}", split, { perMessageDeflate }),
    ),
  };
}

const NO_FRAME: TransportEnds = { closed: () => "1006", aborted: () => "1006", cut: "1006" };

describeTransportContract("uni_websocket", uniWebSocket({}));
describeTransportContract("uni_websocket, compressed", uniWebSocket({ compression: true }));
describeTransportContract("uni_websocket, pushes joined", uniWebSocket({ join_push_messages: true }));
describeTransportContract(
  "uni_websocket, no disconnect pushes",
  uniWebSocket({ disable_disconnect_push: true }),
);
describeTransportContract(
  "uni_websocket, no closing handshake",
  uniWebSocket({ disable_closing_handshake: true }, NO_FRAME),
);

function bidiWebSocket(
  encoding: Pick<MessageEncoding, "codec" | "label" | "messages">,
  compression?: WebSocketCompression,
): TransportKind {
  const perMessageDeflate = compression !== undefined;
  const options = { path: "/talk", isPrefix: false, messageSizeLimit: 0, writeTimeoutMs: 1000, compression };
  return {
    name: "talk",
    protocol: encoding.label,
    pingIntervalMs: 0,
    sendsDisconnectPush: false,
    hasDeltas: false,
    ends: CLOSE_FRAMES,
    lastWords: ["bye"],
    patienceMs: 1000,
    serve: onListener(
      ({ wheel }, parts) => {
        const whole = { ...encoding, deltaCodecs: undefined, separator: undefined };
        return createWebSocketRoutes(
          { wheel },
          { protocol: parts.protocol.asBidiProtocol("talk", whole), ...options },
        );
      },
      (port) => WebSocketTransportClient.open(port, "/talk", "", undefined, { perMessageDeflate }),
    ),
  };
}

describeTransportContract(
  "WebSocket of a protocol that talks both ways",
  bidiWebSocket({ codec: jsonEncoding.codec, label: "json", messages: "text" }),
);
describeTransportContract(
  "WebSocket of a protocol that talks both ways, binary and compressed",
  bidiWebSocket(
    { codec: protobufEncoding.codec, label: "protobuf", messages: "binary" },
    { level: 1, minBytes: 0, inflatedMaxBytes: 0 },
  ),
);

// Bodies of responses

/** What transports have in common whose connection is the body of a response. */
const STREAM: Pick<TransportKind, "pingIntervalMs" | "sendsDisconnectPush" | "patienceMs"> = {
  pingIntervalMs: PING_INTERVAL_MS,
  sendsDisconnectPush: true,
  patienceMs: 1000,
};
const HTTP1_ENDS: TransportEnds = { closed: () => "complete", aborted: () => "cut", cut: "cut" };
/** Streams that are aborted are reset with ENHANCE_YOUR_CALM. */
const HTTP2_ENDS: TransportEnds = { closed: () => "complete", aborted: () => "reset 11", cut: "reset 11" };

const REFUSES = {
  connect_code_to_http_response: { enabled: true, transforms: [{ code: 3001, to: { status_code: 503 } }] },
};
const refusal = (): string => "status 503, complete shutdown";

// Server-Sent Events

function sse(options: object = {}): CreateRoutes {
  return (context) => uniSseEdge.routes(context, uniSseConfig.parse({ enabled: true, ...options }));
}

const SSE = { ...STREAM, name: "uni_sse", protocol: "json", hasDeltas: true, hasEventIds: true } as const;
const SSE_GET: StreamRequest = { method: "GET", path: "/connection/uni_sse", split: splitEvents };
const SSE_POST: StreamRequest = { ...SSE_GET, method: "POST", body: "{}" };

describeTransportContract("uni_sse", {
  ...SSE,
  ends: HTTP1_ENDS,
  serve: onListener(sse(), overHttp1(SSE_GET)),
});

describeTransportContract("uni_sse over POST", {
  ...SSE,
  hasEventIds: false,
  ends: HTTP1_ENDS,
  serve: onListener(sse(), overHttp1(SSE_POST)),
});

describeTransportContract("uni_sse over HTTP/2", {
  ...SSE,
  ends: HTTP2_ENDS,
  serve: onListener(sse(), overHttp2(SSE_GET)),
});

describeTransportContract("uni_sse that refuses with a status", {
  ...SSE,
  ends: HTTP1_ENDS,
  refusal,
  serve: onListener(sse(REFUSES), overHttp1(SSE_GET)),
});

// HTTP streaming

function httpStream(options: object = {}): CreateRoutes {
  return (context) =>
    uniHttpStreamEdge.routes(context, uniHttpStreamConfig.parse({ enabled: true, ...options }));
}

const HTTP_STREAM = { ...STREAM, name: "uni_http_stream", protocol: "json", hasDeltas: true } as const;
const HTTP_STREAM_POST: StreamRequest = {
  method: "POST",
  path: "/connection/uni_http_stream",
  body: "{}",
  split: splitLines,
};

describeTransportContract("uni_http_stream", {
  ...HTTP_STREAM,
  ends: HTTP1_ENDS,
  serve: onListener(httpStream(), overHttp1(HTTP_STREAM_POST)),
});

describeTransportContract("uni_http_stream on a server of the host", {
  ...HTTP_STREAM,
  ends: HTTP1_ENDS,
  serve: onHost(httpStream(), overHttp1(HTTP_STREAM_POST)),
});

describeTransportContract("uni_http_stream over HTTP/2", {
  ...HTTP_STREAM,
  ends: HTTP2_ENDS,
  serve: onListener(httpStream(), overHttp2(HTTP_STREAM_POST)),
});

describeTransportContract("uni_http_stream over HTTP/2 that refuses with a status", {
  ...HTTP_STREAM,
  ends: HTTP2_ENDS,
  refusal,
  serve: onListener(httpStream(REFUSES), overHttp2(HTTP_STREAM_POST)),
});

// gRPC, gRPC-Web and Connect

function consumeRequest(contentType: string, body: string | Uint8Array, split: Split): StreamRequest {
  const headers = { "Content-Type": contentType, TE: "trailers" };
  return { method: "POST", path: CONSUME_PATH, headers, body, split };
}

const GRPC_REQUEST = consumeRequest("application/grpc", callBody(""), splitEnvelopes);
const CONNECT_REQUEST = consumeRequest("application/connect+proto", callBody(""), splitEnvelopes);
const closedWithStatus = (): string => "complete grpc-status: 0";
const closedWithEmptyEnd = (): string => "complete {}";

describeTransportContract("uni_grpc", {
  name: "uni_grpc",
  protocol: "protobuf",
  pingIntervalMs: 25_000,
  sendsDisconnectPush: true,
  hasDeltas: false,
  patienceMs: 5000,
  ends: { ...HTTP2_ENDS, closed: closedWithStatus },
  async serve({ protocol, wheel }) {
    const config = uniGrpcConfig.parse({ enabled: true, address: "127.0.0.1", port: 0 });
    const listener = createUniGrpcListener(protocol, config, { wheel, tls: undefined });
    if (listener === undefined) throw new Error("it is switched off");
    const { port } = await listener.start();
    return {
      connect: () => Http2StreamClient.open(port, GRPC_REQUEST),
      [Symbol.asyncDispose]: () => listener.stop(AbortSignal.abort()),
    };
  },
});

/** The same call on the HTTP port. */
function consume(kind: Pick<TransportKind, "name" | "protocol" | "ends">, connect: Connect): TransportKind {
  const options = { enabled: true, max_receive_message_size: 0, reflection: false };
  const routes: CreateRoutes = (context) => createConsumeRoutes(context, options);
  return { ...STREAM, ...kind, hasDeltas: false, serve: onListener(routes, connect) };
}

describeTransportContract(
  "gRPC on the HTTP port",
  consume(
    { name: "uni_grpc", protocol: "protobuf", ends: { ...HTTP2_ENDS, closed: closedWithStatus } },
    overHttp2(GRPC_REQUEST),
  ),
);

describeTransportContract(
  "Connect, protobuf",
  consume(
    { name: "uni_connect", protocol: "protobuf", ends: { ...HTTP1_ENDS, closed: closedWithEmptyEnd } },
    overHttp1(CONNECT_REQUEST),
  ),
);

describeTransportContract(
  "Connect, protobuf, over HTTP/2",
  consume(
    { name: "uni_connect", protocol: "protobuf", ends: { ...HTTP2_ENDS, closed: closedWithEmptyEnd } },
    overHttp2(CONNECT_REQUEST),
  ),
);

describeTransportContract(
  "Connect, JSON",
  consume(
    { name: "uni_connect", protocol: "json", ends: { ...HTTP1_ENDS, closed: closedWithEmptyEnd } },
    overHttp1(consumeRequest("application/connect+json", callBody("{}"), splitEnvelopes)),
  ),
);

describeTransportContract(
  "gRPC-Web",
  consume(
    { name: "uni_connect", protocol: "protobuf", ends: { ...HTTP1_ENDS, closed: closedWithStatus } },
    overHttp1(consumeRequest("application/grpc-web+proto", callBody(""), splitEnvelopes)),
  ),
);

describeTransportContract(
  "gRPC-Web, text",
  consume(
    { name: "uni_connect", protocol: "protobuf", ends: { ...HTTP1_ENDS, closed: closedWithStatus } },
    overHttp1(
      consumeRequest("application/grpc-web-text", callBody("").toString("base64"), splitEnvelopeTexts),
    ),
  ),
);
