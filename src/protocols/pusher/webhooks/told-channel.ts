import type { PusherApp, PusherApps } from "../app.ts";
import { isValidName } from "../channel-name.ts";

/** A channel that backends are told of. */
export interface ToldChannel {
  readonly app: PusherApp;
  /** Pusher name. */
  readonly name: string;
}

/**
 * What a channel of the core is to the backend of an app; undefined for channels of no app, and for those that Pusher
 * has no public name for: personal ones above all (docs/protocols/pusher.md §3.2).
 */
export function toldChannelOf(apps: PusherApps, channel: string): ToldChannel | undefined {
  const app = apps.ofChannel(channel);
  if (app === undefined) return undefined;
  const name = app.nameOf(channel);
  return isValidName(name, 0) ? { app, name } : undefined;
}
