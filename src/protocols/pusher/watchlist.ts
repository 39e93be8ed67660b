import { MEMBER_NOTICES, NO_NOTICES } from "../../core/publication.ts";
import { PLAIN_GRANT, SUBSCRIPTION_SOURCE } from "../../core/token-verifier.ts";
import { mapConcurrently } from "../../lib/map-concurrently.ts";
import type { NewSubscription } from "../../node/subscription-service.ts";
import type { Session } from "../../session/session.ts";
import type { PusherApp } from "./app.ts";
import { isValidUserId } from "./channel-name.ts";
import type { PusherContext } from "./context.ts";
import { errorFrame, PUSHER_CODE, stringDataFrame, watchlistText } from "./frames.ts";
import { Roster } from "./member.ts";
import { NO_POSITIONS } from "./subscriptions.ts";

/** Users that one connection may watch (docs/protocols/pusher.md §3.3). */
const MAX_WATCHED = 100;
const CONCURRENT_CALLS = 10;

/**
 * Who of the users that a signed-in user watches is online.
 *
 * Each user has a hidden channel, whose presence is the user's connections: it tells when the first comes and when the
 * last goes, wherever they are. Whoever watches the user listens to it.
 */
export class Watchlist {
  readonly #context: PusherContext;
  readonly #app: PusherApp;
  readonly #session: Session;

  constructor(context: PusherContext, app: PusherApp, session: Session) {
    this.#context = context;
    this.#app = app;
    this.#session = session;
  }

  /** Shows the session's own user as online, tells it the states of the watched ones, and then every change. */
  async follow(watchlist: readonly unknown[]): Promise<void> {
    const session = this.#session;
    const own = await this.#listenTo(session.user, true);
    this.#context.node.subscriptions.announce([own], { tell: () => undefined });
    const users = new Set<string>();
    for (const id of watchlist.slice(0, MAX_WATCHED)) {
      if (typeof id === "string" && isValidUserId(id)) users.add(id);
    }
    if (users.size > 0) await this.#watch([...users]);
    if (watchlist.length > MAX_WATCHED) {
      const text = `Only the first ${MAX_WATCHED} users of the watchlist are watched`;
      session.sendMessage(errorFrame(PUSHER_CODE.watchlistTruncated, text));
    }
  }

  async #watch(users: readonly string[]): Promise<void> {
    const { node } = this.#context;
    const others = users.filter((user) => user !== this.#session.user);
    const made = await mapConcurrently(others, CONCURRENT_CALLS, (user) => this.#listenTo(user, false));
    const present = await mapConcurrently(users, CONCURRENT_CALLS, (user) =>
      node.channels.presence(this.#app.watchChannelOf(user)),
    );
    const roster = new Roster(new Map(present.flatMap((clients) => [...clients])));
    const text = watchlistText(
      users.filter((user) => roster.has(user)),
      users.filter((user) => !roster.has(user)),
    );
    node.subscriptions.announce(made, {
      tell: () => this.#session.sendMessage(stringDataFrame("pusher_internal:watchlist_events", text)),
      isNew: (push) => roster.follow(push),
    });
  }

  #listenTo(user: string, isOwn: boolean): Promise<NewSubscription> {
    return this.#context.node.subscriptions.subscribe(this.#session, {
      channel: this.#app.watchChannelOf(user),
      source: SUBSCRIPTION_SOURCE.personalChannel,
      grant: { ...PLAIN_GRANT, override: { ...NO_POSITIONS, presence: isOwn, joinLeave: false } },
      since: undefined,
      wantsRecovery: false,
      wantsDelta: false,
      notices: isOwn ? NO_NOTICES : MEMBER_NOTICES,
    });
  }
}
