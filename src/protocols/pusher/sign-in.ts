import type { Session } from "../../session/session.ts";
import type { PusherApp } from "./app.ts";
import { isValidUserId, socketIdOf } from "./channel-name.ts";
import { parseObject, parseRawObject } from "./client-message.ts";
import type { PusherContext } from "./context.ts";
import { errorFrame, frameOf, PUSHER_CODE } from "./frames.ts";
import { authorizesSignIn } from "./signature.ts";
import { Watchlist } from "./watchlist.ts";

/** Who a connection's client is, once it has signed in (docs/protocols/pusher.md §3.1). */
export class SignIn {
  readonly #context: PusherContext;
  readonly #app: () => PusherApp;
  readonly #session: Session;

  constructor(context: PusherContext, app: () => PusherApp, session: Session) {
    this.#context = context;
    this.#app = app;
    this.#session = session;
  }

  /** Resolves when the client has been told that it is signed in, or why not. */
  async run({ auth, user_data: userData }: Readonly<Record<string, unknown>>): Promise<void> {
    const { user } = this.#session;
    if (typeof auth !== "string" || typeof userData !== "string") {
      return this.#refuse("auth and user_data must both be there, as text");
    }
    if (!authorizesSignIn(auth, this.#app().config, socketIdOf(this.#session.id), userData)) {
      return this.#refuse("The signature is wrong");
    }
    const data = parseObject(userData);
    const id = data?.["id"];
    if (data === undefined || typeof id !== "string") {
      // Clients take no other id either: they would not listen to what is sent to the user.
      const found = typeof id === "number" ? `, and has the number ${id}` : "";
      return this.#refuse(`user_data must be a JSON object whose id is a string${found}`);
    }
    if (!isValidUserId(id))
      return this.#refuse("The id in user_data is empty, too long, or has characters that it may not have");
    if (user !== "" && user !== id) return this.#refuse("The connection has signed in as another user");
    await this.#accept(id, data, userData);
  }

  async #accept(id: string, data: Readonly<Record<string, unknown>>, userData: string): Promise<void> {
    const session = this.#session;
    const isNew = session.user === "";
    const { watchlist } = data;
    if (isNew) {
      const info = parseRawObject(userData)?.get("user_info");
      this.#context.node.sessions.signIn(session, id, info === undefined ? undefined : Buffer.from(info));
      // The user may be locked out.
      if (session.isClosed) return;
    }
    session.sendMessage(frameOf("pusher:signin_success", JSON.stringify({ user_data: userData })));
    if (!isNew || !this.#app().config.enable_watchlist_events) return;
    await new Watchlist(this.#context, this.#app(), session).follow(
      Array.isArray(watchlist) ? watchlist : [],
    );
  }

  #refuse(why: string): void {
    const { peerAddress: address } = this.#session.transport;
    this.#context.refusals.note("pusher_bad_sign_in", { address, app: this.#app().config.id, detail: why });
    this.#session.sendMessage(errorFrame(PUSHER_CODE.unauthorized, why));
  }
}
