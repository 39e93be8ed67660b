import { createServer, type Socket } from "node:net";
import { cpuMicros, nowMicros, serveCalls } from "../process/host.ts";
import { listen } from "../process/listen.ts";
import type { TransportName } from "../wire/transport.ts";

/** What is published in one round, that is, in one turn of the event loop. */
export interface Round {
  readonly payloadBytes: number;
  /** Publications per round. */
  readonly burst: number;
  /** Whether a bare loop writes the publications of a round as one buffer. */
  readonly joined: boolean;
}

/** A server under test: it accepts subscribers and publishes from inside its own process. */
export interface FanOutServer {
  /** Listens on a free port of the loopback address; resolves to the port. */
  start(transport: TransportName): Promise<number>;
  /** Sets what `publish` publishes. */
  prepare(round: Round): void;
  /** Publishes one round, within this turn of the event loop. */
  publish(): void;
  /** CPU time, where it is not that of this process. */
  cpuMicros?(): number;
}

/** Where a started server is reached. */
export interface FanOutPorts {
  readonly port: number;
  /** Where the subscribers say how much they have received. */
  readonly creditPort: number;
}

/** A closed loop: rounds go out, one per turn of the event loop, while the subscribers keep up. */
export interface RunOptions {
  readonly rounds: number;
  /** Rounds that one byte on the credit connection acknowledges. Divides `rounds`. */
  readonly roundsPerCredit: number;
  /** Rounds that may be under way. */
  readonly windowRounds: number;
}

/** What a run cost the server, from its first publication until everything was received. */
export interface RunCost {
  readonly cpuMicros: number;
  readonly wallMicros: number;
}

/** An open loop: one round per interval. */
export interface PaceOptions {
  readonly rounds: number;
  readonly intervalMs: number;
}

/** The driver's view of a server under test. */
export interface FanOutMethods {
  start(transport: TransportName): Promise<FanOutPorts>;
  prepare(round: Round): Promise<void>;
  /** Publishes one round. */
  publishOnce(): Promise<void>;
  run(options: RunOptions): Promise<RunCost>;
  /** Resolves to the moment of each publication, in microseconds of the shared clock. */
  pace(options: PaceOptions): Promise<Float64Array>;
}

/** Offers a server under test to the driver. */
export function serveFanOut(server: FanOutServer): void {
  serveCalls<FanOutMethods>(fanOutMethods(server));
}

/** What the driver may ask of a server under test. */
export function fanOutMethods(server: FanOutServer): FanOutMethods {
  const credits = new CreditListener();
  return {
    start: async (transport) => ({ port: await server.start(transport), creditPort: await credits.listen() }),
    prepare: async (round) => server.prepare(round),
    publishOnce: async () => server.publish(),
    run: async (options) => runClosedLoop(server, credits, options),
    pace: async (options) => runPaced(server, options),
  };
}

async function runClosedLoop(
  server: FanOutServer,
  credits: CreditListener,
  { rounds, roundsPerCredit, windowRounds }: RunOptions,
): Promise<RunCost> {
  const { promise, resolve } = Promise.withResolvers<RunCost>();
  let sent = 0;
  let acknowledged = 0;
  let waiting = false;
  const step = (): void => {
    waiting = sent - acknowledged >= windowRounds;
    if (waiting || sent === rounds) return;
    sent += 1;
    server.publish();
    setImmediate(step);
  };
  const usedMicros = (): number => server.cpuMicros?.() ?? cpuMicros();
  const cpuAtStart = usedMicros();
  const startedAt = nowMicros();
  credits.onCredit = (count) => {
    acknowledged += count * roundsPerCredit;
    if (acknowledged >= rounds) {
      credits.onCredit = undefined;
      resolve({ cpuMicros: usedMicros() - cpuAtStart, wallMicros: nowMicros() - startedAt });
    } else if (waiting) {
      waiting = false;
      setImmediate(step);
    }
  };
  setImmediate(step);
  return promise;
}

async function runPaced(server: FanOutServer, { rounds, intervalMs }: PaceOptions): Promise<Float64Array> {
  const publishedAt = new Float64Array(rounds);
  const { promise, resolve } = Promise.withResolvers<Float64Array>();
  let at = 0;
  const timer = setInterval(() => {
    publishedAt[at++] = nowMicros();
    server.publish();
    if (at < rounds) return;
    clearInterval(timer);
    resolve(publishedAt);
  }, intervalMs);
  return promise;
}

/**
 * Takes the subscribers' word that they have received so much: one byte per credit, on one connection, so that
 * pacing costs the measured process next to nothing.
 */
class CreditListener {
  onCredit: ((count: number) => void) | undefined;

  async listen(): Promise<number> {
    const listener = createServer((socket: Socket) => {
      socket.on("data", (bytes) => this.onCredit?.(bytes.byteLength));
      socket.on("error", () => socket.destroy());
    });
    return listen(listener);
  }
}
