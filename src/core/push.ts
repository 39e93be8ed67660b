import type { ChannelNotice } from "./channel-notice.ts";
import type { Publication } from "./publication.ts";
import type { StreamPosition } from "./stream-position.ts";

/** What one connection receives. Protocol codecs turn it into bytes. */
export type Push =
  | { readonly type: "ping" }
  | { readonly type: "connect"; readonly connect: ConnectResult }
  | {
      readonly type: "publication";
      readonly channel: string;
      readonly publication: Publication;
      /** The one before, where somebody may want the difference. */
      readonly previous?: Publication | undefined;
    }
  | (ChannelNotice & { readonly channel: string })
  | { readonly type: "subscribe"; readonly channel: string; readonly subscribe: SubscribeResult }
  | { readonly type: "unsubscribe"; readonly channel: string; readonly code: number; readonly reason: string }
  | { readonly type: "refresh"; readonly expires: boolean; readonly ttlSec: number }
  | { readonly type: "disconnect"; readonly code: number; readonly reason: string };

/** The first push of every accepted connection. */
export interface ConnectResult {
  /** Client id: public, a UUID. */
  readonly client: string;
  /** Session id: private to the client and the server API, a UUID. */
  readonly session: string;
  /** Server version and edition. */
  readonly version: string;
  /** What the backend has to say to the client; undefined when it has nothing. */
  readonly data: Uint8Array | undefined;
  /** Server-side subscriptions that were made while connecting. */
  readonly subs: ReadonlyMap<string, SubscribeResult>;
  /** Seconds until the connection expires; unset when it does not. */
  readonly ttlSec: number | undefined;
  /** Seconds between pings; 0 when there are none. */
  readonly pingSec: number;
  /** Server time, Unix milliseconds; unset unless configured. */
  readonly timeMs: number | undefined;
}

/** How one subscription of a session began. */
export interface SubscribeResult {
  /** Where the client stands in the channel's stream; undefined where positions are not kept track of. */
  readonly position: StreamPosition | undefined;
  /** The client may ask for recovery from its position later. */
  readonly recoverable: boolean;
  /** The client asked for recovery, or got it unasked, whether or not the channel can recover. */
  readonly wasRecovering: boolean;
  /** Everything the client missed follows; `position` is then the one it asked from. */
  readonly recovered: boolean;
  /** What the client missed, in order. */
  readonly publications: readonly Publication[];
  /** Payloads come as differences to the one before, where that is shorter. */
  readonly delta: boolean;
  /** Raw JSON for the subscriber; undefined when there is none. */
  readonly data: Uint8Array | undefined;
}

/** The result of a subscription to a channel without positions. */
export const PLAIN_SUBSCRIBE_RESULT: SubscribeResult = {
  position: undefined,
  recoverable: false,
  wasRecovering: false,
  recovered: false,
  publications: [],
  delta: false,
  data: undefined,
};
