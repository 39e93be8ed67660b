import type { ChannelOptions } from "../core/channel-options.ts";
import { clientError } from "../core/client-error.ts";
import type {
  InvalidateTokensCommand,
  RefreshCommand,
  SessionTarget,
  SubscribeCommand,
} from "../core/commands.ts";
import type { ConnectionPage, ConnectionQuery } from "../core/connection-info.ts";
import type { ChannelFilter, NodeCalls, NodeCounts } from "../core/controller.ts";
import type { Disconnect } from "../core/disconnect.ts";
import type { Hub } from "../hub/hub.ts";
import { compileGlob } from "../lib/glob.ts";
import { hash53 } from "../lib/hash53.ts";
import type { SlicedWork } from "../lib/sliced-work.ts";
import type { Session } from "../session/session.ts";
import type { ConnectionScan } from "./connection-scan.ts";
import type { AccessEnforcer } from "./control/access-enforcer.ts";
import type { SessionControl } from "./session-control.ts";

/** What the calls work on. */
export interface LocalCallsOptions {
  readonly hub: Hub<Session>;
  readonly control: SessionControl;
  readonly scan: ConnectionScan;
  readonly access: AccessEnforcer;
  readonly slices: SlicedWork;
  readonly channelOptions: (channel: string) => ChannelOptions | undefined;
}

/** What this node does for the whole, whoever asks. */
export class LocalCalls implements NodeCalls {
  readonly #options: LocalCallsOptions;

  constructor(options: LocalCallsOptions) {
    this.#options = options;
  }

  async subscribeSessions(target: SessionTarget, command: SubscribeCommand): Promise<void> {
    const options = this.#options.channelOptions(command.channel);
    if (options === undefined) throw clientError("unknownChannel");
    await this.#options.control.subscribe(target, command, options);
  }

  async unsubscribeSessions(target: SessionTarget, channel: string): Promise<void> {
    await this.#options.control.unsubscribe(target, channel);
  }

  async refreshSessions(target: SessionTarget, command: RefreshCommand): Promise<void> {
    await this.#options.control.refresh(target, command);
  }

  async disconnect(target: SessionTarget, reason: Disconnect, whitelist: readonly string[]): Promise<void> {
    await this.#options.control.disconnect(target, reason, whitelist);
  }

  async connections(query: ConnectionQuery, signal?: AbortSignal): Promise<ConnectionPage> {
    return this.#options.scan.page(query, signal);
  }

  async counts(): Promise<NodeCounts> {
    const { hub } = this.#options;
    const users = await this.#hashes(hub.users());
    const channels = await this.#hashes(hub.channels().map(([channel]) => channel));
    return { numClients: hub.memberCount, numSubs: hub.subscriptionCount, users, channels };
  }

  async channels({ pattern, prefix }: ChannelFilter): Promise<ReadonlyMap<string, number>> {
    const matches = pattern === undefined ? undefined : compileGlob(pattern);
    const found = this.#options.hub
      .channels()
      .filter(([channel]) => prefix === undefined || channel.startsWith(prefix))
      .filter(([channel]) => matches === undefined || matches(channel));
    return new Map(found);
  }

  async subscriberCount(channel: string): Promise<number> {
    return this.#options.hub.subscriberCount(channel);
  }

  async connectedUsers(users: readonly string[]): Promise<readonly string[]> {
    return users.filter((user) => this.#options.hub.membersOf(user).size > 0);
  }

  async block(user: string, expireAtSec: number | undefined): Promise<void> {
    await this.#options.access.block(user, expireAtSec);
  }

  async unblock(user: string): Promise<void> {
    await this.#options.access.unblock(user);
  }

  async revokeToken(tokenId: string, expireAtSec: number | undefined): Promise<void> {
    await this.#options.access.revokeToken(tokenId, expireAtSec);
  }

  async invalidateTokens(command: InvalidateTokensCommand): Promise<void> {
    await this.#options.access.invalidateTokens(command);
  }

  async #hashes(texts: Iterable<string>): Promise<Float64Array> {
    const hashes: number[] = [];
    await this.#options.slices.visit(texts, (text) => {
      hashes.push(hash53(text));
      return true;
    });
    return Float64Array.from(hashes);
  }
}
