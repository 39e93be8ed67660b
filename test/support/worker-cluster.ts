import { randomUUID } from "node:crypto";
import { type Duplex, duplexPair } from "node:stream";
import { MemoryBroker } from "../../src/brokers/memory/memory-broker.ts";
import { MemoryLimits } from "../../src/brokers/memory/memory-limits.ts";
import { MemoryPresenceManager } from "../../src/brokers/memory/memory-presence-manager.ts";
import { type ChannelOptions, DEFAULT_CHANNEL_OPTIONS } from "../../src/core/channel-options.ts";
import type { ControlBus } from "../../src/core/control-bus.ts";
import type { StoredEntry } from "../../src/core/entry-store.ts";
import { NO_METRICS } from "../../src/core/metrics.ts";
import type { NodeCalls } from "../../src/node/cluster/calls.ts";
import { Cluster } from "../../src/node/cluster/cluster.ts";
import { MemberNotices } from "../../src/node/member-notices.ts";
import { BusHub } from "../../src/workers/bus-hub.ts";
import { LimitsHub } from "../../src/workers/limits-hub.ts";
import { SharedBroker } from "../../src/workers/shared-broker.ts";
import { WorkerLink } from "../../src/workers/worker-link.ts";
import { PushFrames, WorkerPeer } from "../../src/workers/worker-peer.ts";
import { ChannelEventLog } from "./channel-event-log.ts";
import { FakeClock } from "./fake-clock.ts";
import { type LoggedLine, loggerOf } from "./silent-logger.ts";

/** A worker as far as it is joined to its primary. */
export interface TestWorker {
  readonly uid: string;
  readonly ports: WorkerLink;
  /** Of the worker's link; time stands still for one that hangs. */
  readonly linkClock: FakeClock;
  readonly peer: WorkerPeer;
  /** Has the worker answer what is given of what other nodes ask. */
  readonly serve: (calls?: Partial<NodeCalls>) => Promise<Cluster>;
  /** Has the worker gone without a word; resolves once nothing of it is left. */
  readonly kill: () => Promise<void>;
  /** Resolves once the worker has taken everything that the primary has sent it so far. */
  readonly settle: () => Promise<void>;
}

/** Makes the two ends of a link. */
export type CreatePair = () => Promise<readonly [Duplex, Duplex]>;

/** Both ends in memory. */
export const inMemory: CreatePair = async () => duplexPair();

/** What a primary shares with its workers, all in this process. */
export class WorkerCluster {
  /** Of what is kept, and of the nodes. */
  readonly clock: FakeClock = new FakeClock();
  /** Of the primary's links. */
  readonly linkClock: FakeClock = new FakeClock();
  /** What is told of channels. */
  readonly log: ChannelEventLog = new ChannelEventLog();
  readonly presence: MemoryPresenceManager;
  readonly broker: SharedBroker;
  /** The primary's own. */
  readonly node: Cluster;
  /** Warnings and errors of the primary. */
  readonly logged: LoggedLine[] = [];
  /** Of all channels. */
  channelOptions: ChannelOptions = DEFAULT_CHANNEL_OPTIONS;
  blocked: readonly StoredEntry[] = [];
  readonly #logger = loggerOf(this.logged, "warn");
  readonly #bus = new BusHub();
  readonly #limits = new LimitsHub(new MemoryLimits());
  readonly #frames = new PushFrames();
  readonly #createPair: CreatePair;

  private constructor(createPair: CreatePair) {
    const { clock } = this;
    const { events } = this.log;
    this.#createPair = createPair;
    this.presence = new MemoryPresenceManager(events);
    const options = { idempotencyTtlMs: 300_000, idempotencyMaxKeys: 1000 };
    this.broker = new SharedBroker(new MemoryBroker({ ...options, clock, events }));
    const channels = { optionsOf: () => this.channelOptions };
    events.add(new MemberNotices({ broker: this.broker.join(), channels, logger: this.#logger }));
    this.node = this.#createNode("primary", this.#bus.busOf("primary"));
  }

  static async start(createPair: CreatePair = inMemory): Promise<WorkerCluster> {
    const cluster = new WorkerCluster(createPair);
    await cluster.broker.start();
    await cluster.node.join();
    cluster.node.serve({} as NodeCalls);
    return cluster;
  }

  async join(): Promise<TestWorker> {
    const [near, far] = await this.#createPair();
    const uid = randomUUID();
    const { broker, presence } = this;
    const peer = new WorkerPeer(
      {
        broker,
        presence,
        events: this.log.events,
        limits: this.#limits,
        bus: this.#bus,
        pushFrames: this.#frames,
        statuses: undefined,
        records: (table) => (table === "user_block" ? this.blocked : []),
        onEmit: () => undefined,
        onGone: (gone) => void this.node.lost(gone),
        channelOptions: () => this.channelOptions,
        logger: this.#logger,
      },
      {
        stream: near,
        clock: this.linkClock,
        start: { config: {}, isDev: false, nodeUid: uid, machine: "primary", isReliable: false },
        onReady: () => undefined,
        onFailed: (err) => this.#logger.error({ err }, "worker failed"),
      },
    );
    const linkClock = new FakeClock();
    const ports = new WorkerLink(far, linkClock, {
      stop: () => Promise.resolve(true),
      reload: () => Promise.resolve(),
      onPrimaryGone: () => undefined,
    });
    return {
      uid,
      ports,
      linkClock,
      peer,
      serve: async (calls = {}) => {
        const node = this.#createNode(uid, ports.bus);
        await node.join();
        // What a test does not give is not called by it.
        node.serve(calls as NodeCalls);
        return node;
      },
      kill: async () => {
        far.destroy();
        await peer.left;
      },
      settle: async () => void (await ports.link.call("presence", "")),
    };
  }

  #createNode(uid: string, bus: ControlBus): Cluster {
    const logger = this.#logger;
    const { clock } = this;
    return new Cluster({
      uid,
      machine: "primary",
      name: "m",
      version: "1",
      bus,
      heartbeat: undefined,
      clock,
      logger,
      metrics: NO_METRICS,
    });
  }
}
