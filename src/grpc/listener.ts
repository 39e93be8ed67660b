import { once } from "node:events";
import { type AddressInfo, createServer, type Server as NetServer, type Socket } from "node:net";
import { createServer as createTlsServer, type Server as TlsServer } from "node:tls";
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import {
  type handleUnaryCall,
  Server,
  ServerCredentials,
  status,
  type ServerOptions,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { Health } from "../../gen/grpc/health/v1/health_pb.ts";
import { ServerReflection as ServerReflectionV1 } from "../../gen/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as ServerReflectionV1Alpha } from "../../gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { ACCEPTED_SOCKETS, BACKLOG, guardHandshakes } from "../lib/accepted-sockets.ts";
import { DEFAULT_HTTP2_LIMITS, type Http2Limits } from "../lib/http2-limits.ts";
import { waitForLeave } from "../lib/leave-timeout.ts";
import { PacedQueue } from "../lib/paced-queue.ts";
import { secureContextOptions, type TlsCredentials } from "../lib/tls-credentials.ts";
import { DEFAULT_MAX_MESSAGE_BYTES } from "./envelope.ts";
import { createHealthHandlers } from "./health.ts";
import { guardHttp2, limitHttp2 } from "./http2-server.ts";
import { createReflectionHandler, ReflectionIndex } from "./reflection.ts";
import { type KnownMessages, type RawSides, serviceDefinition } from "./service-definition.ts";

/** Pings on connections where nothing happens. */
export interface GrpcKeepalive {
  readonly intervalMs: number;
  /** Without an answer for so long the connection is closed. */
  readonly timeoutMs: number;
}

/** Where and how to listen. */
export interface GrpcListenerOptions {
  /** "" listens on all interfaces. */
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  /** Bytes that a request message may have; 0 for gRPC's own limit of 4 MiB, negative for no limit. */
  readonly maxReceiveMessageBytes: number;
  /** Undefined serves plain text. */
  readonly tls: TlsCredentials | undefined;
  /** Whether clients may ask for the schema. */
  readonly reflection: boolean;
  readonly http2?: Http2Limits;
  /** Default: no pings. */
  readonly keepalive?: GrpcKeepalive;
}

/** grpc-js knows the types of a method by its definition only. */
export type UnaryHandler = handleUnaryCall<unknown, unknown>;

/** How long a client may take over its TLS handshake, as on the HTTP port. */
const HANDSHAKE_TIMEOUT_MS = 10_000;
/** TLS handshakes that begin in one turn of the event loop, however many clients come back at once. */
const STARTS_PER_TURN = 16;

/**
 * One gRPC port: its services, the standard health service, and reflection if wanted.
 *
 * Unary methods of a service that have no handler answer UNIMPLEMENTED.
 */
export class GrpcListener {
  readonly #options: GrpcListenerOptions;
  readonly #server: Server;
  /** Listens, and hands its connections to `#server`. */
  readonly #front: NetServer;
  /** The same where it serves over TLS. */
  readonly #secure: TlsServer | undefined;
  /** Accepted and still open. */
  readonly #sockets = new Set<Socket>();
  /** Those in the middle of their TLS handshake. */
  #handshakes: ReadonlyMap<string, Socket> = new Map();
  readonly #services: DescService[] = [];
  readonly #closing = new AbortController();
  /** Unary calls. */
  #unanswered = 0;

  constructor(options: GrpcListenerOptions) {
    this.#options = options;
    this.#server = new Server(serverOptions(options));
    limitHttp2(this.#server, this.#http2);
    this.#secure = options.tls === undefined ? undefined : this.#createSecure(options.tls);
    this.#front = this.#secure ?? createServer(ACCEPTED_SOCKETS);
  }

  /** Adds a service; handlers go by the methods' `localName`. Call before `start`. */
  addService(
    service: DescService,
    handlers: UntypedServiceImplementation,
    raw: RawSides = {},
    known?: KnownMessages,
  ): void {
    const implementation: UntypedServiceImplementation = {};
    for (const method of service.methods) {
      const handler = handlers[method.localName] ?? unimplemented(method);
      implementation[method.localName] =
        method.methodKind === "unary" ? this.#counting(handler as UnaryHandler) : handler;
    }
    this.#server.addService(serviceDefinition(service, raw, known), implementation);
    this.#services.push(service);
  }

  /** Starts listening; resolves with the bound address, rejects when the port is taken. */
  async start(): Promise<AddressInfo> {
    this.#addStandardServices();
    this.#serveConnections();
    const { host, port } = this.#options;
    this.#front.listen({ port, backlog: BACKLOG, ...(host === "" ? {} : { host }) });
    await once(this.#front, "listening");
    // A server that listens on a port has such an address.
    return this.#front.address() as AddressInfo;
  }

  /** Shows new connections another certificate. Without effect on plain text. */
  renewTls(tls: TlsCredentials): void {
    this.#secure?.setSecureContext(secureContextOptions(tls));
  }

  /**
   * Takes no more calls and resolves once those in flight have ended; those whose client does not leave in time are
   * cut, and when `deadline` aborts, all.
   *
   * Health turns to NOT_SERVING at once. Idempotent.
   */
  async stop(deadline: AbortSignal): Promise<void> {
    this.#closing.abort();
    const gone = new Promise<void>((resolve) => {
      this.#front.close(() => resolve());
    });
    for (const socket of this.#handshakes.values()) socket.destroy();
    // Has sessions end with their last stream. It cannot tell when they have: their connections are not its own.
    this.#server.tryShutdown(() => undefined);
    await waitForLeave({ gone, deadline, isWorking: () => this.#unanswered > 0 });
    this.#server.forceShutdown();
    for (const socket of this.#sockets) socket.destroy();
  }

  get #http2(): Http2Limits {
    return this.#options.http2 ?? DEFAULT_HTTP2_LIMITS;
  }

  /** Counts the calls of a method that have not been answered. */
  #counting(handler: UnaryHandler): UnaryHandler {
    return (call, callback) => {
      this.#unanswered += 1;
      handler(call, (...answer) => {
        this.#unanswered -= 1;
        callback(...answer);
      });
    };
  }

  #addStandardServices(): void {
    const names = this.#services.map((service) => service.typeName);
    this.addService(Health, { ...createHealthHandlers(names, this.#closing.signal) });
    if (!this.#options.reflection) return;
    const index = new ReflectionIndex([...this.#services, ServerReflectionV1, ServerReflectionV1Alpha]);
    const serverReflectionInfo = createReflectionHandler(index, this.#closing.signal);
    for (const service of [ServerReflectionV1, ServerReflectionV1Alpha]) {
      this.addService(service, { serverReflectionInfo }, { requests: true, responses: true });
    }
  }

  #createSecure(tls: TlsCredentials): TlsServer {
    const server = createTlsServer({
      ...ACCEPTED_SOCKETS,
      ...secureContextOptions(tls),
      requestCert: tls.clientCa !== undefined,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      ALPNProtocols: ["h2"],
    });
    const starts = new PacedQueue(STARTS_PER_TURN);
    this.#handshakes = guardHandshakes(server, { timeoutMs: HANDSHAKE_TIMEOUT_MS, starts });
    // What goes wrong on a connection closes it, and is nobody else's business.
    server.on("secureConnection", (socket) => socket.on("error", () => undefined));
    return server;
  }

  /** Has the server serve what is accepted, and decrypted where there is TLS. */
  #serveConnections(): void {
    const injector = this.#server.createConnectionInjector(ServerCredentials.createInsecure());
    guardHttp2(this.#server, this.#http2.requestTimeoutMs);
    this.#front.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    this.#front.on(this.#secure === undefined ? "connection" : "secureConnection", (socket: Socket) => {
      injector.injectConnection(socket);
    });
  }
}

function serverOptions({ maxReceiveMessageBytes, keepalive }: GrpcListenerOptions): ServerOptions {
  return {
    // Of what is below zero grpc-js knows -1 only.
    "grpc.max_receive_message_length": Math.max(-1, maxReceiveMessageBytes || DEFAULT_MAX_MESSAGE_BYTES),
    ...(keepalive === undefined
      ? {}
      : { "grpc.keepalive_time_ms": keepalive.intervalMs, "grpc.keepalive_timeout_ms": keepalive.timeoutMs }),
  };
}

/** For the methods that stand in the schema only. */
export function unimplemented({ name, methodKind }: DescMethod): UnaryHandler {
  if (methodKind !== "unary") throw new Error(`method ${name} needs a handler`);
  return (_call, callback) => {
    callback({ code: status.UNIMPLEMENTED, details: `method ${name} not implemented` });
  };
}
