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

/** A request that is refused: status and text of the answer (docs/protocols/pusher.md §4.3). */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly status: number;
  /** Of the answer, beside the usual ones. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

/** Parameters that are missing, malformed or too many. */
export function badRequest(message: string): Refusal {
  return new Refusal(400, message);
}

/** The answer's body, in the form that both peers give it. */
export function refusalJson(status: number, message: string): string {
  return JSON.stringify({ error: message, code: status });
}
