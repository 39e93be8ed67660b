import {
  type Broker,
  type BrokerListener,
  type BrokerPublishOptions,
  type Delivery,
  type HistoryFilter,
  PLAIN_PUBLISH,
  POSITION_ONLY,
  type PublishResult,
} from "../../src/core/broker.ts";
import type { HistoryOptions } from "../../src/core/channel-options.ts";
import type { ChannelNotice, ClientInfo, Publication, StreamPosition } from "../../src/core/publication.ts";

/** A broker under test, not started, and what the suite needs besides. */
export interface BrokerHarness {
  readonly broker: Broker;
  /** What has been told of occupied and vacated channels since it was asked last: "onOccupied a". */
  takeEvents(): readonly string[];
  /** Lets time pass for the broker. */
  advance(ms: number): Promise<void>;
  /** Resolves once everything published so far has been delivered. */
  settle(): Promise<void>;
}

/** Makes a broker without channels for one test. */
export type CreateBroker = () => Promise<BrokerHarness>;

/** History in which nothing is lost during a test that does not want it lost. */
export const LASTING: HistoryOptions = { size: 100, ttlMs: 60_000, metaTtlMs: 600_000 };

/** All that is kept, oldest first. */
export const ALL: HistoryFilter = { limit: -1, reverse: false };

/** What a test says of a publication besides its text. */
export type PublishedWith = Partial<BrokerPublishOptions> & { readonly version?: number };

/** A broker with a listener that writes down what it is told. */
export class StartedBroker implements AsyncDisposable {
  readonly broker: Broker;
  readonly #harness: BrokerHarness;
  readonly #listener = new RecordingListener();

  constructor(harness: BrokerHarness) {
    this.#harness = harness;
    this.broker = harness.broker;
  }

  /** What has been told of occupied and vacated channels since it was asked last: "onOccupied a". */
  async events(): Promise<readonly string[]> {
    await this.#harness.settle();
    return this.#harness.takeEvents();
  }

  /** What the channel's subscriber got so far: "offset:data", "join client", "leave client". */
  async delivered(channel: string): Promise<readonly string[]> {
    await this.#harness.settle();
    return this.#listener.deliveries.get(channel) ?? [];
  }

  /** The channel's publications that were delivered so far. */
  async publications(channel: string): Promise<readonly Publication[]> {
    await this.#harness.settle();
    return this.#listener.publications.get(channel) ?? [];
  }

  /** Of whom the channel's subscriber was told that they came or left. */
  async infos(channel: string): Promise<readonly ClientInfo[]> {
    await this.#harness.settle();
    return this.#listener.infos.get(channel) ?? [];
  }

  /** Where the channel's stream stands. */
  async position(channel: string): Promise<StreamPosition> {
    const page = await this.broker.history(channel, POSITION_ONLY, LASTING.metaTtlMs);
    return page.position;
  }

  /** What was delivered along with the latest publication of the channel: the one before it. */
  async previous(channel: string): Promise<Publication | undefined> {
    await this.#harness.settle();
    return this.#listener.previous.get(channel);
  }

  /** Who was not to get the channel's publications, one after the other. */
  async excluded(channel: string): Promise<readonly string[]> {
    await this.#harness.settle();
    return this.#listener.excluded.get(channel) ?? [];
  }

  async start(): Promise<void> {
    await this.broker.start(this.#listener);
  }

  settled(): Promise<void> {
    return this.#harness.settle();
  }

  advance(ms: number): Promise<void> {
    return this.#harness.advance(ms);
  }

  /** Publishes text; into the lasting history unless told otherwise. */
  publish(
    channel: string,
    text: string,
    { version = 0, ...options }: PublishedWith = {},
  ): Promise<PublishResult> {
    const init = { data: Buffer.from(text), version: BigInt(version), knownJson: true };
    return this.broker.publish(channel, init, { ...PLAIN_PUBLISH, history: LASTING, ...options });
  }

  /** Reads history as texts "offset:data". */
  async read(channel: string, filter: HistoryFilter = ALL): Promise<readonly string[]> {
    const page = await this.broker.history(channel, filter, LASTING.metaTtlMs);
    return page.publications.map((publication) => inShort(publication));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.broker.close();
  }
}

/** Makes and starts a broker. */
export async function startBroker(createBroker: CreateBroker): Promise<StartedBroker> {
  const started = new StartedBroker(await createBroker());
  await started.start();
  return started;
}

class RecordingListener implements BrokerListener {
  readonly deliveries = new Map<string, string[]>();
  readonly publications = new Map<string, Publication[]>();
  readonly infos = new Map<string, ClientInfo[]>();
  readonly previous = new Map<string, Publication | undefined>();
  readonly excluded = new Map<string, string[]>();

  onPublication(channel: string, { publication, previous, excludeClient }: Delivery): void {
    append(this.excluded, channel, excludeClient);
    append(this.deliveries, channel, inShort(publication));
    append(this.publications, channel, publication);
    this.previous.set(channel, previous);
  }

  onInterrupted(): void {}

  onNotice(channel: string, notice: ChannelNotice): void {
    if (notice.type === "subscriptionCount") return append(this.deliveries, channel, `count ${notice.count}`);
    append(this.deliveries, channel, `${notice.type} ${notice.info.client}`);
    append(this.infos, channel, notice.info);
  }
}

function append<Item>(lists: Map<string, Item[]>, channel: string, item: Item): void {
  const list = lists.get(channel);
  if (list === undefined) lists.set(channel, [item]);
  else list.push(item);
}

/** "offset:data". */
export function inShort(publication: Publication): string {
  return `${publication.offset}:${Buffer.from(publication.data).toString()}`;
}
