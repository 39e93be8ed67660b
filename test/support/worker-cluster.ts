import { randomUUID } from "node:crypto";
import { type Duplex, duplexPair } from "node:stream";
import { MemoryBroker } from "../../src/brokers/memory/memory-broker.ts";
import { MemoryPresenceManager } from "../../src/brokers/memory/memory-presence-manager.ts";
import { type ChannelOptions, DEFAULT_CHANNEL_OPTIONS } from "../../src/core/channel-options.ts";
import type { ChannelObserver } from "../../src/core/channel-observer.ts";
import type { StoredEntry } from "../../src/core/entry-store.ts";
import { LocalQuotas } from "../../src/core/quotas.ts";
import { NodeRouter } from "../../src/workers/node-router.ts";
import { PrimaryController } from "../../src/workers/primary-controller.ts";
import { SharedBroker } from "../../src/workers/shared-broker.ts";
import { SharedEncoder } from "../../src/workers/shared-encoder.ts";
import { WorkerLink } from "../../src/workers/worker-link.ts";
import { WorkerSeat } from "../../src/workers/worker-seat.ts";
import { FakeClock } from "./fake-clock.ts";
import { type LoggedLine, loggerOf } from "./silent-logger.ts";

/** A worker as far as it is joined to its primary. */
export interface TestWorker {
  readonly uid: string;
  readonly ports: WorkerLink;
  /** Of the worker's link; time stands still for one that hangs. */
  readonly linkClock: FakeClock;
  readonly seat: WorkerSeat;
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
  /** Of what is kept. */
  readonly clock: FakeClock = new FakeClock();
  /** Of the primary's links. */
  readonly linkClock: FakeClock = new FakeClock();
  readonly presence: MemoryPresenceManager = new MemoryPresenceManager();
  readonly quotas: LocalQuotas = new LocalQuotas();
  readonly broker: SharedBroker;
  readonly controller: PrimaryController;
  /** What observers were told: "onOccupied a". */
  readonly observed: string[] = [];
  /** Warnings and errors of the primary. */
  readonly logged: LoggedLine[] = [];
  /** Of all channels. */
  channelOptions: ChannelOptions = DEFAULT_CHANNEL_OPTIONS;
  blocked: readonly StoredEntry[] = [];
  readonly #logger = loggerOf(this.logged, "warn");
  readonly #router = new NodeRouter("atOnce", this.#logger);
  readonly #encoder = new SharedEncoder();
  readonly #createPair: CreatePair;

  private constructor(createPair: CreatePair) {
    const { clock } = this;
    this.#createPair = createPair;
    this.broker = new SharedBroker(
      new MemoryBroker({ clock, idempotencyTtlMs: 300_000, idempotencyMaxKeys: 1000 }),
    );
    this.controller = new PrimaryController("primary", this.#router);
  }

  static async start(createPair: CreatePair = inMemory): Promise<WorkerCluster> {
    const cluster = new WorkerCluster(createPair);
    await cluster.broker.start();
    return cluster;
  }

  async join(onJoined: () => Promise<void> = () => Promise.resolve()): Promise<TestWorker> {
    const [near, far] = await this.#createPair();
    const uid = randomUUID();
    const { broker, presence, quotas } = this;
    const seat = new WorkerSeat(
      {
        broker,
        presence,
        quotas,
        encoder: this.#encoder,
        router: this.#router,
        statuses: undefined,
        records: (table) => (table === "user_block" ? this.blocked : []),
        observer: this.#observer,
        onEmit: () => undefined,
        channelOptions: () => this.channelOptions,
        logger: this.#logger,
      },
      {
        stream: near,
        clock: this.linkClock,
        start: { config: {}, isDev: false, nodeUid: uid, serverUid: "server" },
        onReady: () => undefined,
        onFailed: (err) => this.#logger.error({ err }, "worker failed"),
      },
    );
    const linkClock = new FakeClock();
    const ports = new WorkerLink(far, linkClock, {
      stop: () => Promise.resolve(true),
      reload: () => Promise.resolve([]),
      onJoined,
      onPrimaryGone: () => undefined,
    });
    return {
      uid,
      ports,
      linkClock,
      seat,
      kill: async () => {
        far.destroy();
        await seat.left;
      },
      settle: async () => void (await ports.link.call("presence", "")),
    };
  }

  get #observer(): ChannelObserver {
    const { observed } = this;
    return {
      onOccupied: (channel) => observed.push(`onOccupied ${channel}`),
      onVacated: (channel) => observed.push(`onVacated ${channel}`),
      onSubscribersChanged: (channel) => observed.push(`onSubscribersChanged ${channel}`),
      onMemberAdded: (channel, { user }) => observed.push(`onMemberAdded ${channel} ${user}`),
      onMemberRemoved: (channel, { user }) => observed.push(`onMemberRemoved ${channel} ${user}`),
    };
  }
}
