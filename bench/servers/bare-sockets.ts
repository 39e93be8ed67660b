import { createServer as createHttpServer } from "node:http";
import { createServer as createTcpServer, type Server as TcpServer, type Socket } from "node:net";
import { Server as GrpcServer, ServerCredentials, type ServerWritableStream } from "@grpc/grpc-js";
import { WebSocketServer } from "ws";
import { listen } from "../process/listen.ts";
import { connectPush, greetingPush } from "../wire/messages.ts";
import { pathOf, type TransportName } from "../wire/transport.ts";

/** Connections that a library has opened and greeted, as the sockets below them. */
export interface SocketSource {
  readonly port: number;
  /** Connected, and ready for the first publication. */
  readonly sockets: ReadonlySet<Socket>;
}

/** Listens on a free port with the library that one would take for this transport. */
export async function openSockets(transport: TransportName): Promise<SocketSource> {
  const sockets = new Set<Socket>();
  const listener = listeners[transport]((socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
  });
  return { port: await listen(listener), sockets };
}

type OnOpen = (socket: Socket) => void;

const listeners: Readonly<Record<TransportName, (onOpen: OnOpen) => TcpServer>> = {
  uni_websocket: webSocketListener,
  pusher: webSocketListener,
  uni_http_stream: (onOpen) => responseListener("text/plain; charset=utf-8", "", "\n", onOpen),
  uni_sse: (onOpen) => responseListener("text/event-stream; charset=utf-8", "\r\ndata: ", "\n\n", onOpen),
  uni_grpc: grpcListener,
};

function webSocketListener(onOpen: OnOpen): TcpServer {
  const http = createHttpServer();
  const webSockets = new WebSocketServer({ server: http, perMessageDeflate: false });
  webSockets.on("connection", (client, request) => {
    client.send(connectPush(), { binary: false });
    onOpen(request.socket);
  });
  return http;
}

function responseListener(contentType: string, before: string, after: string, onOpen: OnOpen): TcpServer {
  return createHttpServer((request, response) => {
    request.resume();
    response.writeHead(200, { "Content-Type": contentType, "Cache-Control": "no-store" });
    response.write(Buffer.concat([Buffer.from(before), connectPush(), Buffer.from(after)]));
    // A response without an end keeps its socket to itself: chunks made by us may follow Node's.
    if (response.socket !== null) onOpen(response.socket);
  });
}

/**
 * grpc-js opens the HTTP/2 connection and the stream; then DATA frames made by hand go straight to the socket.
 * They bypass the window that Node keeps for the stream, which the subscribers have made endless anyway.
 */
function grpcListener(onOpen: OnOpen): TcpServer {
  const socketsByAddress = new Map<string, Socket>();
  const server = new GrpcServer();
  const consume = (call: ServerWritableStream<Buffer, Buffer>): void => {
    call.on("error", () => call.end());
    call.write(greetingPush());
    const socket = socketsByAddress.get(call.getPeer());
    if (socket === undefined) throw new Error(`no socket for ${call.getPeer()}`);
    // The greeting leaves through Node's HTTP/2 at the end of the turn; our frames come after it.
    setImmediate(onOpen, socket);
  };
  server.register(pathOf("uni_grpc"), consume, sameBytes, sameBytes, "serverStream");
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  return createTcpServer((socket) => {
    const address = `${socket.remoteAddress}:${socket.remotePort}`;
    socketsByAddress.set(address, socket);
    socket.once("close", () => socketsByAddress.delete(address));
    injector.injectConnection(socket);
  });
}

function sameBytes(bytes: Buffer): Buffer {
  return bytes;
}
