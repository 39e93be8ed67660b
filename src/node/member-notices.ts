import type { Broker } from "../core/broker.ts";
import type { ChannelObserver } from "../core/channel-events.ts";
import type { ChannelOptions } from "../core/channel-options.ts";
import type { ClientInfo } from "../core/client-info.ts";
import type { Logger } from "../core/logger.ts";

/** What the notices are made with. */
export interface MemberNoticesOptions {
  readonly broker: Pick<Broker, "publishNotice">;
  readonly channelOptions: (channel: string) => ChannelOptions | undefined;
  readonly logger: Logger;
}

/** Tells channels with member notices that users have come and gone. */
export class MemberNotices implements ChannelObserver {
  readonly #options: MemberNoticesOptions;

  constructor(options: MemberNoticesOptions) {
    this.#options = options;
  }

  onMemberAdded(channel: string, info: ClientInfo): void {
    this.#publish(channel, "memberAdded", info);
  }

  onMemberRemoved(channel: string, info: ClientInfo): void {
    this.#publish(channel, "memberRemoved", info);
  }

  #publish(channel: string, type: "memberAdded" | "memberRemoved", info: ClientInfo): void {
    const { broker, channelOptions, logger } = this.#options;
    if (channelOptions(channel)?.memberNotices !== true) return;
    broker.publishNotice(channel, { type, info }).catch((err: unknown) => {
      logger.error({ channel, err }, "notice of a member not published");
    });
  }
}
