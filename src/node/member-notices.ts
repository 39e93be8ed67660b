import type { Broker } from "../core/broker.ts";
import type { ChannelObserver } from "../core/channel-events.ts";
import type { Logger } from "../core/logger.ts";
import type { ClientInfo } from "../core/publication.ts";
import type { NodeChannels } from "./channels.ts";

/** What the notices are made with. */
export interface MemberNoticesOptions {
  readonly broker: Pick<Broker, "publishNotice">;
  readonly channels: Pick<NodeChannels, "optionsOf">;
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
    const { broker, channels, logger } = this.#options;
    if (channels.optionsOf(channel)?.memberNotices !== true) return;
    broker.publishNotice(channel, { type, info }).catch((err: unknown) => {
      logger.error({ channel, err }, "notice of a member not published");
    });
  }
}
