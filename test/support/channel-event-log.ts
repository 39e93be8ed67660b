import { ChannelEvents } from "../../src/core/channel-events.ts";

/** Keeps what happens to channels: "onOccupied a". */
export class ChannelEventLog {
  readonly lines: string[] = [];
  /** Where it is told. */
  readonly events: ChannelEvents = new ChannelEvents();

  constructor() {
    const { lines } = this;
    this.events.add({
      onOccupied: (channel) => void lines.push(`onOccupied ${channel}`),
      onVacated: (channel) => void lines.push(`onVacated ${channel}`),
      onSubscribersChanged: (channel) => void lines.push(`onSubscribersChanged ${channel}`),
      onMemberAdded: (channel, { user }) => void lines.push(`onMemberAdded ${channel} ${user}`),
      onMemberRemoved: (channel, { user }) => void lines.push(`onMemberRemoved ${channel} ${user}`),
    });
  }

  /** What has happened since it was asked last. */
  take(): readonly string[] {
    return this.lines.splice(0);
  }
}
