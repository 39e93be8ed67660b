import type { Broker, HistoryFilter, HistoryPage } from "../core/broker.ts";
import type { ChannelOptions } from "../core/channel-options.ts";
import type { ChannelRules } from "../core/channel-rules.ts";
import { badRequest, clientError } from "../core/client-error.ts";
import type { ChannelFilter, PublishRequest } from "../core/commands.ts";
import type { Live } from "../core/live.ts";
import type { PresenceManager, PresenceStats } from "../core/presence-manager.ts";
import {
  acceptsData,
  type ChannelNotice,
  type ClientInfo,
  type PublicationInit,
  type StreamPosition,
  UNACCEPTABLE_DATA,
} from "../core/publication.ts";
import type { RefusalLog } from "../core/refusal-log.ts";
import { type Cluster, sumOf } from "./cluster/cluster.ts";

/** What the channels of a node are made of. */
export interface NodeChannelsOptions {
  readonly broker: Broker;
  readonly presence: PresenceManager;
  readonly cluster: Cluster;
  readonly rules: Live<ChannelRules>;
  readonly refusals: RefusalLog;
}

/** Channels on all nodes: what their names mean, what is published to them, what they keep and who is in them. */
export class NodeChannels {
  readonly #options: NodeChannelsOptions;

  constructor(options: NodeChannelsOptions) {
    this.#options = options;
  }

  /** What channel names mean at this moment. */
  get rules(): ChannelRules {
    return this.#options.rules.get();
  }

  /** Options of a channel; undefined where its namespace is unknown. */
  optionsOf(channel: string): ChannelOptions | undefined {
    return this.rules.optionsOf(channel);
  }

  /** Options of a channel. @throws ClientError 102 where its namespace is unknown, which the log names */
  knownOptionsOf(channel: string): ChannelOptions {
    const options = this.optionsOf(channel);
    if (options !== undefined) return options;
    const namespace = this.rules.namespaceOf(channel);
    this.#options.refusals.note("unknown_namespace", { namespace }, namespace);
    throw clientError("unknownChannel");
  }

  /**
   * Publishes to all subscribers on all nodes; channels get publications in the order of the calls. Resolves to the
   * publication's place, offset 0 where the channel keeps no history.
   *
   * Rejects with ClientError 102 for an unknown namespace, 107 for an empty name and for data that the channel's
   * `publication_data_format` does not allow, or with the broker's error.
   */
  async publish(
    channel: string,
    publication: PublicationInit,
    request: PublishRequest,
  ): Promise<StreamPosition> {
    if (channel === "") throw badRequest("channel", "missing");
    const options = this.knownOptionsOf(channel);
    const format = options.publicationDataFormat;
    if (!acceptsData(format, publication)) throw badRequest("data", UNACCEPTABLE_DATA[format]);
    const { position } = await this.#options.broker.publish(channel, publication, {
      idempotencyKey: request.idempotencyKey,
      history: request.skipHistory === true ? undefined : options.history,
      delta: request.delta === true || options.deltaPublish,
      versionEpoch: request.versionEpoch ?? "",
      excludeClient: request.excludeClient ?? "",
    });
    return position;
  }

  /** Sends a notice to the subscribers of a channel on all nodes who want it. Rejects with the broker's error. */
  async notify(channel: string, notice: ChannelNotice): Promise<void> {
    await this.#options.broker.publishNotice(channel, notice);
  }

  /** Reads a channel's history. Rejects with ClientError 102, 108 where it keeps none, 112 for another epoch. */
  async history(channel: string, filter: HistoryFilter): Promise<HistoryPage> {
    const { history } = this.knownOptionsOf(channel);
    if (history === undefined) throw clientError("notAvailable");
    return this.#options.broker.history(channel, filter, history.metaTtlMs);
  }

  /** Drops what a channel has kept; its position stays. Rejects like `history`. */
  async removeHistory(channel: string): Promise<void> {
    if (this.knownOptionsOf(channel).history === undefined) throw clientError("notAvailable");
    await this.#options.broker.removeHistory(channel);
  }

  /** Who is in a channel, by client id. Rejects with ClientError 102, 108 where the channel does not keep track. */
  async presence(channel: string): Promise<ReadonlyMap<string, ClientInfo>> {
    if (!this.knownOptionsOf(channel).presence) throw clientError("notAvailable");
    return this.#options.presence.get(channel);
  }

  /** How many are in a channel. Rejects like `presence`. */
  async presenceStats(channel: string): Promise<PresenceStats> {
    if (!this.knownOptionsOf(channel).presence) throw clientError("notAvailable");
    return this.#options.presence.stats(channel);
  }

  /** Channels with subscribers, and how many on all nodes. Rejects for a glob that is none. */
  async list(filter: ChannelFilter): Promise<ReadonlyMap<string, number>> {
    const counts = new Map<string, number>();
    for (const { value } of await this.#options.cluster.ask("channels", filter)) {
      for (const [channel, count] of value) counts.set(channel, (counts.get(channel) ?? 0) + count);
    }
    return counts;
  }

  /** Subscribers of one channel on all nodes. */
  async subscriberCount(channel: string): Promise<number> {
    return sumOf(await this.#options.cluster.ask("subscriberCount", channel));
  }
}
