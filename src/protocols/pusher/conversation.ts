import type { BidiConnection, BidiTransport } from "../../core/bidi-protocol.ts";
import { disconnectOf } from "../../core/failure.ts";
import { EncodedPush } from "../../core/push.ts";
import { WheelTimer } from "../../lib/timer-wheel.ts";
import { CommandQueue, type CommandWorker } from "../../session/command-queue.ts";
import { ANONYMOUS_IDENTITY, type Session } from "../../session/session.ts";
import type { PusherApp } from "./app.ts";
import { socketIdOf } from "./channel-name.ts";
import { ClientEvents } from "./client-events.ts";
import { channelIn, type ClientMessage, fieldsOf, parseClientMessage } from "./client-message.ts";
import { CLIENT_EVENT_PREFIX } from "./codec.ts";
import type { PusherContext } from "./context.ts";
import { errorFrame, pusherClose, stringDataFrame } from "./frames.ts";
import { SignIn } from "./sign-in.ts";
import { Subscriptions } from "./subscriptions.ts";

/** What a client says of its library. */
export interface ClientApplication {
  readonly name: string;
  readonly version: string;
  /** Version of the protocol that it speaks. */
  readonly protocol: number;
}

/** Clients of older versions of the protocol do not know `pusher:ping` (docs/protocols/pusher.md §1.3). */
const PING_EVENT_VERSION = 5;

/** Messages that wait for one before them may be so large together, or as large as some of the largest. */
const MIN_WAITING_BYTES = 1_048_576;
const MAX_WAITING_MESSAGES = 4;

const PING = new EncodedPush({ type: "ping" });
const PONG = stringDataFrame("pusher:pong", "{}");

/**
 * The conversation of one Pusher connection (docs/protocols/pusher.md §1–3): messages are taken one after the other, in
 * the order in which they came. It is its own timer for liveness.
 */
export class PusherConversation extends WheelTimer implements BidiConnection, CommandWorker<ClientMessage> {
  readonly #context: PusherContext;
  readonly #app: PusherApp;
  readonly #session: Session;
  readonly #transport: BidiTransport;
  readonly #subscriptions: Subscriptions;
  readonly #signIn: SignIn;
  readonly #clientEvents: ClientEvents;
  readonly #messages: CommandQueue<ClientMessage>;
  /** Monotonic times. */
  #heardAtMs: number;
  /** Infinite where the client may stay anonymous, and once it is not. */
  #anonymousUntilMs = Number.POSITIVE_INFINITY;
  #isPinged = false;
  #knowsPingEvent = true;
  #hasClosed = false;

  constructor(context: PusherContext, app: PusherApp, session: Session, transport: BidiTransport) {
    super();
    this.#context = context;
    this.#app = app;
    this.#session = session;
    this.#transport = transport;
    const current = (): PusherApp => context.apps.get().currentOf(app);
    this.#subscriptions = new Subscriptions(context, current, session);
    this.#signIn = new SignIn(context, current, session);
    this.#clientEvents = new ClientEvents(context, current, session);
    const maxWaitingBytes = MAX_WAITING_MESSAGES * context.config.get().message_size_limit;
    this.#messages = new CommandQueue(session, this, Math.max(MIN_WAITING_BYTES, maxWaitingBytes));
    this.#heardAtMs = context.clock.monotonicMs();
  }

  /** Welcomes the client: at once, or as soon as the app is known to have a place for it. */
  start(application: ClientApplication): void {
    if (this.#app.config.max_connections > 0) this.#messages.waitFor(this.#startInPlace(application));
    else this.#welcome(application);
  }

  /** Places are those of the app on all nodes, whatever becomes of its configuration. */
  async #startInPlace(application: ClientApplication): Promise<void> {
    const { id, max_connections: max } = this.#app.config;
    this.#session.requested();
    if (await this.#context.node.sessions.takeSlot(this.#session, `pusher app ${id}`, max)) {
      this.#welcome(application);
    } else {
      const { peerAddress: address } = this.#transport;
      this.#context.refusals.note("pusher_connection_quota", { address, app: id });
      const text = "The app has as many connections as it may have";
      this.#session.disconnect(pusherClose("connectionQuota", text));
    }
  }

  #welcome({ name, version, protocol }: ClientApplication): void {
    const { node } = this.#context;
    const config = this.#context.config.get();
    const session = this.#session;
    this.#knowsPingEvent = protocol >= PING_EVENT_VERSION;
    if (session.isClosed) return;
    node.sessions.admit(session, {
      ...ANONYMOUS_IDENTITY,
      labels: this.#app.labels,
      appName: name,
      appVersion: version,
    });
    const activityTimeoutSec = Math.round(config.activity_timeout / 1000);
    const welcome = { socket_id: socketIdOf(session.id), activity_timeout: activityTimeoutSec };
    session.sendMessage(stringDataFrame("pusher:connection_established", JSON.stringify(welcome)));
    session.startKeeping();
    if (this.#app.config.enable_user_authentication) {
      this.#anonymousUntilMs = this.#heardAtMs + config.user_authentication_timeout;
    }
    this.#schedule();
  }

  /** Life is whatever comes: some clients answer frames only, others send none but PINGs. */
  heard(): void {
    this.#heardAtMs = this.#context.clock.monotonicMs();
    this.#isPinged = false;
  }

  received(bytes: Uint8Array): void {
    if (this.#session.isClosed) return;
    const message = parseClientMessage(bytes);
    if (message === undefined) {
      this.#session.sendMessage(errorFrame(undefined, "The message is no JSON object with an event"));
    } else {
      this.#messages.push(message);
    }
  }

  closed(): void {
    if (this.#hasClosed) return;
    this.#hasClosed = true;
    this.#context.wheel.cancel(this);
    this.#session.transportClosed();
  }

  /** Liveness: whoever has been silent is pinged, and ended when it stays so. */
  override onDue(): void {
    const now = this.#context.clock.monotonicMs();
    if (this.#session.isClosed) return;
    if (now >= this.#anonymousUntilMs && !this.#isKnown) {
      this.#session.disconnect(pusherClose("unauthorized", "The connection has not been authorized in time"));
      return;
    }
    if (now >= this.#silentUntilMs) {
      if (this.#isPinged) {
        this.#session.disconnect(pusherClose("pongTimeout", "Pong reply not received in time"));
        return;
      }
      this.#isPinged = true;
      this.#transport.ping();
      if (this.#knowsPingEvent) this.#session.send(PING);
    }
    this.#schedule();
  }

  /** When silence calls for something. */
  get #silentUntilMs(): number {
    const { activity_timeout: activityMs, pong_timeout: pongMs } = this.#context.config.get();
    return this.#heardAtMs + activityMs + (this.#isPinged ? pongMs : 0);
  }

  /** Whether the client has shown who it is, be it to one channel. */
  get #isKnown(): boolean {
    return this.#session.user !== "" || this.#subscriptions.hasAuthorized;
  }

  /** Messages do not reschedule: the timer finds out when it is due. */
  #schedule(): void {
    if (this.#isKnown) this.#anonymousUntilMs = Number.POSITIVE_INFINITY;
    const dueMs = Math.min(this.#silentUntilMs, this.#anonymousUntilMs);
    this.#context.wheel.schedule(this, dueMs - this.#context.clock.monotonicMs());
  }

  work(message: ClientMessage): Promise<void> | undefined {
    const { event, data } = message;
    switch (event) {
      case "pusher:subscribe":
        return this.#subscriptions.subscribe(fieldsOf(data));
      case "pusher:unsubscribe":
        return this.#subscriptions.unsubscribe(channelIn(data));
      case "pusher:signin":
        return this.#signIn.run(fieldsOf(data));
      case "pusher:ping":
        this.#session.sendMessage(PONG);
        return undefined;
      default:
        if (event.startsWith(CLIENT_EVENT_PREFIX)) this.#clientEvents.relay(message);
        return undefined;
    }
  }

  onCommandFailed(error: unknown): void {
    const { logger } = this.#context;
    const report = { logger, message: "message of a client failed", fields: { session: this.#session.id } };
    this.#session.disconnect(disconnectOf(error, report));
  }

  onCommandOverflow(): void {
    this.#session.abort(pusherClose("overCapacity", "Too many messages at once"));
  }
}
