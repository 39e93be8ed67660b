import type { Socket } from "node:net";
import type {
  BidiConnection,
  BidiHost,
  BidiProtocol,
  BidiRequest,
  BidiSettings,
  MessageEncoding,
} from "../../src/core/bidi-protocol.ts";
import type { ClientError } from "../../src/core/client-error.ts";
import type { ConnectRequest, OpeningHeaders } from "../../src/core/connect-request.ts";
import type { Disconnect } from "../../src/core/disconnect.ts";
import type { Logger } from "../../src/core/logger.ts";
import type { Transport } from "../../src/core/transport.ts";
import type { UniConnection, UniEncoding, UniProtocol } from "../../src/core/uni-protocol.ts";
import { TimerWheel } from "../../src/lib/timer-wheel.ts";
import {
  jsonEncoding,
  protobufEncoding,
  protoJsonEncoding,
} from "../../src/protocols/centrifugo/uni-protocol.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { Signal } from "../support/signal.ts";
import { loggerInto } from "../support/silent-logger.ts";

/** A transport under test: what it says of itself, and what its clients see. */
export interface TransportKind {
  readonly name: string;
  readonly protocol: "json" | "protobuf";
  readonly pingIntervalMs: number;
  readonly sendsDisconnectPush: boolean;
  readonly hasDeltas: boolean;
  /** Its clients resume by themselves, and are told from where. */
  readonly hasEventIds?: boolean;
  /** How a client sees the end, in the words of `TransportClient.end`. */
  readonly ends: TransportEnds;
  /** What comes behind everything written where it is closed in its own way. */
  readonly lastWords?: readonly string[];
  /** What a client is told whose connect fails, in the same words; undefined where the failure is a push. */
  readonly refusal?: (failure: ClientError | Disconnect) => string;
  /** How long a client may take nothing of what it is sent last. */
  readonly patienceMs: number;
  /** Serves the transport on a port of its own. */
  serve(parts: TransportParts): Promise<ServedTransport>;
}

/** The ends of connections as clients see them. */
export interface TransportEnds {
  readonly closed: (reason: Disconnect) => string;
  /** Of a connection on which nothing waited. */
  readonly aborted: (reason: Disconnect) => string;
  /** Of a connection on which something waited. */
  readonly cut: string;
}

/** What a transport is served with. */
export interface TransportParts {
  readonly protocol: AcceptingProtocol;
  readonly wheel: TimerWheel;
  readonly clock: FakeClock;
  /** What it logs as an error fails the test. */
  readonly logger: Logger;
}

export interface ServedTransport extends AsyncDisposable {
  /** Opens a connection and asks for pushes. */
  connect(): Promise<TransportClient>;
}

/** The client's side of a connection. */
export interface TransportClient extends Disposable {
  /** What has come, without framing. */
  readonly messages: readonly Buffer[];
  /** How the connection has ended; undefined while it goes on. */
  readonly end: string | undefined;
  readonly socket: Socket;
  /** Takes nothing from the network until `resume`. */
  pause(): void;
  resume(): void;
  /** Goes away as clients of the kind do. */
  leave(): void;
  /** Resolves once a condition on messages and end holds. */
  until(isMet: () => boolean, what: string): Promise<void>;
}

/** The server's side of a connection: what a protocol has of it. */
export class AcceptedConnection implements UniConnection, BidiConnection {
  readonly transport: Transport;
  /** How often it has been told that the client is gone. */
  closedCount = 0;
  /** Those of the request that opened it; undefined until the client has asked to connect. */
  headers: OpeningHeaders | undefined;
  readonly #signal: Signal;

  constructor(transport: Transport, signal: Signal) {
    this.transport = transport;
    this.#signal = signal;
  }

  /** Writes messages as an outbox does: all at once. */
  write(...messages: readonly (string | Uint8Array)[]): void {
    const { format } = this.transport;
    const frames = messages.map((message) => format.frame(Buffer.from(message)));
    const [only] = frames;
    this.transport.write(frames.length === 1 && only !== undefined ? only : format.join(frames));
  }

  /** Resolves to the headers of the request that opened it. */
  async opened(): Promise<OpeningHeaders> {
    await this.#signal.until(() => this.headers !== undefined, "connect request");
    if (this.headers === undefined) throw new Error("no headers");
    return this.headers;
  }

  untilClosed(): Promise<void> {
    return this.#signal.until(() => this.closedCount > 0, "word that the client is gone");
  }

  closed(): void {
    this.closedCount += 1;
    this.#signal.notify();
  }

  connect(_request: ConnectRequest | undefined, headers: OpeningHeaders): void {
    this.headers = headers;
    this.#signal.notify();
  }

  refuseRequest(error: unknown): never {
    throw error;
  }

  heard(): void {}

  received(): void {}
}

/** A protocol that takes every client and says nothing by itself. */
export class AcceptingProtocol implements UniProtocol {
  readonly json: UniEncoding = jsonEncoding;
  readonly protobuf: UniEncoding = protobufEncoding;
  readonly protoJson: UniEncoding = protoJsonEncoding;
  /** What is done with a connection in the moment it is accepted. */
  onAccept: (connection: AcceptedConnection) => void = () => undefined;
  /** All that have been accepted. */
  readonly connections: AcceptedConnection[] = [];
  readonly #signal = new Signal();

  accept(transport: Transport): AcceptedConnection {
    const connection = new AcceptedConnection(transport, this.#signal);
    this.connections.push(connection);
    this.onAccept(connection);
    this.#signal.notify();
    return connection;
  }

  /** The next connection that is accepted from now on. */
  async nextAccepted(): Promise<AcceptedConnection> {
    const { length } = this.connections;
    await this.#signal.until(() => this.connections.length > length, "connection");
    const connection = this.connections[length];
    if (connection === undefined) throw new RangeError("no such connection");
    return connection;
  }

  /** The same for transports of messages both ways, which have a close message: "bye", and the reason's own code. */
  asBidiProtocol(name: string, encoding: MessageEncoding): BidiProtocol {
    const settings: BidiSettings = {
      encoding,
      pingIntervalMs: 0,
      heartbeat: undefined,
      sendsDisconnectPush: false,
      closeMessage: ({ code, reason }) => ({ message: Buffer.from("bye"), code, reason }),
    };
    const open = ({ headers }: BidiRequest): BidiHost => ({
      settings,
      accept: (transport) => {
        const connection = this.accept(transport);
        connection.connect(undefined, headers);
        return connection;
      },
    });
    return { name, subprotocols: [], open };
  }
}

/** A transport of one kind, served for one test. */
export class TransportServer implements AsyncDisposable {
  readonly kind: TransportKind;
  readonly clock: FakeClock = new FakeClock();
  readonly protocol: AcceptingProtocol = new AcceptingProtocol();
  readonly #clients: TransportClient[] = [];
  readonly #errors: unknown[] = [];
  #served: ServedTransport | undefined;

  private constructor(kind: TransportKind) {
    this.kind = kind;
  }

  static async start(kind: TransportKind): Promise<TransportServer> {
    const server = new TransportServer(kind);
    const { clock, protocol } = server;
    const logger = loggerInto(server.#errors);
    server.#served = await kind.serve({ clock, protocol, logger, wheel: new TimerWheel(clock) });
    return server;
  }

  /** Both sides of a new connection. */
  async connect(): Promise<readonly [client: TransportClient, connection: AcceptedConnection]> {
    const connection = this.protocol.nextAccepted();
    const client = await this.#open();
    return [client, await connection];
  }

  /** Opens a connection of whose acceptance the client does not wait. */
  async connectAndLeave(): Promise<void> {
    (await this.#open()).leave();
  }

  async #open(): Promise<TransportClient> {
    if (this.#served === undefined) throw new Error("the server has not started");
    const client = await this.#served.connect();
    this.#clients.push(client);
    return client;
  }

  /** Ends all that is left of connections. */
  async stop(): Promise<void> {
    for (const client of this.#clients) client[Symbol.dispose]();
    await this.#served?.[Symbol.asyncDispose]();
    this.#served = undefined;
    // Sockets tell that they have closed at the end of a turn.
    for (let turns = 0; turns < 2; turns++) await new Promise(setImmediate);
    if (this.#errors.length > 0) throw new AggregateError(this.#errors, "the server has logged errors");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
