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
import { waitForLeave } from "../lib/leave-timeout.ts";
import { readPem } from "../lib/pem.ts";
import { createHealthHandlers } from "./health.ts";
import { createReflectionHandler, ReflectionIndex } from "./reflection.ts";
import { type KnownMessages, type RawSides, serviceDefinition } from "./service-definition.ts";

/** Certificates of a listener: PEM text, the same in base64, or the path of a PEM file. */
export interface GrpcTls {
  readonly certPem: string;
  readonly keyPem: string;
  /** Authorities of client certificates; where set, every client must present one. "" for none. */
  readonly clientCaPem: string;
}

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
  readonly tls: GrpcTls | undefined;
  /** Whether clients may ask for the schema. */
  readonly reflection: boolean;
  /** Default: no pings. */
  readonly keepalive?: GrpcKeepalive;
}

/** grpc-js knows the types of a method by its definition only. */
export type UnaryHandler = handleUnaryCall<unknown, unknown>;

/** What grpc-js allows when nothing is said. */
const DEFAULT_MAX_RECEIVE_BYTES = 4 * 1024 * 1024;

/**
 * One gRPC port: its services, the standard health service, and reflection if wanted.
 *
 * Unary methods of a service that have no handler answer UNIMPLEMENTED.
 */
export class GrpcListener {
  readonly #options: GrpcListenerOptions;
  readonly #server: Server;
  readonly #services: DescService[] = [];
  readonly #closing = new AbortController();
  /** Unary calls. */
  #unanswered = 0;

  constructor(options: GrpcListenerOptions) {
    this.#options = options;
    this.#server = new Server(serverOptions(options));
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

  /** Starts listening; resolves with the port, rejects when it is taken or a certificate cannot be used. */
  async start(): Promise<number> {
    this.#addStandardServices();
    const { host, port, tls } = this.#options;
    const credentials = serverCredentials(tls);
    if (host !== "") return this.#bind(host, port, credentials);
    // Where there is no IPv6, the second attempt tells; where the port is taken, it says so too.
    return this.#bind("::", port, credentials).catch(() => this.#bind("0.0.0.0", port, credentials));
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
      this.#server.tryShutdown(() => resolve());
    });
    await waitForLeave({ gone, deadline, isWorking: () => this.#unanswered > 0 });
    this.#server.forceShutdown();
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

  #bind(host: string, port: number, credentials: ServerCredentials): Promise<number> {
    const address = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
    return new Promise((resolve, reject) => {
      this.#server.bindAsync(address, credentials, (error, boundPort) => {
        if (error === null) resolve(boundPort);
        else reject(bindError(address, port, error));
      });
    });
  }
}

/** The failure with its `code` and `port`, as Node's own listeners have it; grpc-js tells them in words only. */
function bindError(address: string, port: number, cause: Error): Error {
  const code = /\bE[A-Z]+\b/.exec(cause.message)?.[0];
  return Object.assign(new Error(`cannot listen on ${address}`, { cause }), { code, port });
}

function serverOptions({ maxReceiveMessageBytes, keepalive }: GrpcListenerOptions): ServerOptions {
  return {
    "grpc.max_receive_message_length": maxReceiveMessageBytes || DEFAULT_MAX_RECEIVE_BYTES,
    ...(keepalive === undefined
      ? {}
      : { "grpc.keepalive_time_ms": keepalive.intervalMs, "grpc.keepalive_timeout_ms": keepalive.timeoutMs }),
  };
}

function serverCredentials(tls: GrpcTls | undefined): ServerCredentials {
  if (tls === undefined) return ServerCredentials.createInsecure();
  const pair = {
    cert_chain: Buffer.from(readPem(tls.certPem)),
    private_key: Buffer.from(readPem(tls.keyPem)),
  };
  const clientCa = tls.clientCaPem === "" ? null : Buffer.from(readPem(tls.clientCaPem));
  return ServerCredentials.createSsl(clientCa, [pair], clientCa !== null);
}

/** For the methods that stand in the schema only. */
export function unimplemented({ name, methodKind }: DescMethod): UnaryHandler {
  if (methodKind !== "unary") throw new Error(`method ${name} needs a handler`);
  return (_call, callback) => {
    callback({ code: status.UNIMPLEMENTED, details: `method ${name} not implemented` });
  };
}
