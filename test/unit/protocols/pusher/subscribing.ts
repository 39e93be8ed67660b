import { expect } from "vitest";
import type { PusherClient, PusherFrame, PusherTestNode } from "../../../support/pusher-node.ts";

/** What a client is told when it is subscribed to a channel without members. */
export function succeeded(channel: string): string {
  return `{"event":"pusher_internal:subscription_succeeded","channel":"${channel}","data":"{}"}`;
}

/** What a client is told when it is not subscribed. */
export function refused(channel: string, status: number): PusherFrame {
  const data = { type: expect.any(String) as string, error: expect.any(String) as string, status };
  return { event: "pusher:subscription_error", channel, data };
}

/** Whether an event in the channel reaches the client. */
export async function listens(
  pusher: PusherTestNode,
  client: PusherClient,
  channel: string,
): Promise<boolean> {
  await client.texts();
  await pusher.trigger(channel, "e", "1");
  return (await client.texts()).join() === `{"event":"e","channel":"${channel}","data":"1"}`;
}
