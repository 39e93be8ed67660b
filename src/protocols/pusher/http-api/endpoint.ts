import type { NodeChannels } from "../../../node/channels.ts";
import type { NodeSessions } from "../../../node/sessions.ts";
import type { PusherApp } from "../app.ts";
import type { Expense } from "./rate-limits.ts";

/** The parts of the node that the API works with. */
export interface ApiNode {
  readonly channels: Pick<
    NodeChannels,
    "publish" | "list" | "subscriberCount" | "presence" | "history" | "optionsOf"
  >;
  readonly sessions: Pick<NodeSessions, "disconnect" | "countMatching">;
}

/** One request of a backend, authenticated. */
export interface ApiCall {
  readonly node: ApiNode;
  readonly app: PusherApp;
  /** What the path names, be it a channel or a user; "" where it names nothing. */
  readonly subject: string;
  readonly query: URLSearchParams;
  readonly body: Buffer;
  /** Header `X-Idempotency-Key`; "" for none. */
  readonly idempotencyKey: string;
  /** Takes points of the app's rate limit. Throws Refusal 429 where there are not enough. */
  readonly spend: (expense: Expense, points: number) => void;
}

/** One kind of request. */
export interface Endpoint {
  readonly method: "GET" | "POST";
  /** What follows the app's id in the path; `*` for the part that is the subject. */
  readonly path: string;
  /** Resolves to what the answer's JSON says. Rejects with Refusal for what is wrong with the request. */
  readonly run: (call: ApiCall) => Promise<object>;
}
