import { toJson } from "@bufbuild/protobuf";
import { createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import {
  CentrifugoUniStream,
  PushSchema,
} from "../../../gen/centrifugal/centrifugo/unistream/unistream_pb.ts";

/** Whom the page tells what it hears; the test puts it there. */
declare const report: (listener: string, event: string) => Promise<void>;

type Subscriptions = Readonly<Record<string, object>>;
type Listen = (origin: string, subs: Subscriptions, name?: string) => void | Promise<void>;

/** Listeners of a page, each written as one would without any library of ours. */
const listeners: Readonly<Record<string, Listen>> = {
  sse(origin, subs, name = "sse") {
    const connect = encodeURIComponent(JSON.stringify({ subs }));
    const source = new EventSource(`${origin}/connection/uni_sse?cf_connect=${connect}`);
    source.addEventListener("message", ({ data }) => void report(name, String(data)));
    source.addEventListener(
      "error",
      () => void report(name, source.readyState === 2 ? "failed" : "reconnecting"),
    );
  },
  webSocket(origin, subs) {
    const socket = new WebSocket(`${origin.replace("http", "ws")}/connection/uni_websocket`);
    socket.addEventListener("open", () => socket.send(JSON.stringify({ subs })));
    socket.addEventListener("message", ({ data }) => void report("webSocket", String(data)));
    socket.addEventListener("close", ({ code }) => void report("webSocket", `closed ${code}`));
  },
  async httpStream(origin, subs) {
    try {
      const body = JSON.stringify({ subs });
      const response = await fetch(`${origin}/connection/uni_http_stream`, { method: "POST", body });
      const decoder = new TextDecoder();
      let unread = "";
      for await (const bytes of response.body ?? []) {
        const lines = (unread + decoder.decode(bytes, { stream: true })).split("\n");
        unread = lines.pop() ?? "";
        for (const line of lines) void report("httpStream", line);
      }
      void report("httpStream", "ended");
    } catch {
      void report("httpStream", "failed");
    }
  },
  connect: (origin, subs) =>
    consume("connect", createConnectTransport({ baseUrl: origin, useBinaryFormat: true }), subs),
  connectJson: (origin, subs) => consume("connectJson", createConnectTransport({ baseUrl: origin }), subs),
  grpcWeb: (origin, subs) => consume("grpcWeb", createGrpcWebTransport({ baseUrl: origin }), subs),
};

async function consume(name: string, transport: Transport, subs: Subscriptions): Promise<void> {
  try {
    for await (const push of createClient(CentrifugoUniStream, transport).consume({ subs })) {
      void report(name, JSON.stringify(toJson(PushSchema, push)));
    }
    void report(name, "ended");
  } catch {
    void report(name, "failed");
  }
}

Object.assign(globalThis, { listeners });
