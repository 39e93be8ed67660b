import { failureOf } from "../../core/failure.ts";
import { RateWindow } from "../../lib/rate-limiter.ts";
import type { Session } from "../../session/session.ts";
import type { PusherApp } from "./app.ts";
import { kindOf, socketIdOf } from "./channel-name.ts";
import { type ClientMessage, eventDataOf } from "./client-message.ts";
import type { PusherContext } from "./context.ts";
import { errorFrame, PUSHER_CODE, pusherClose } from "./frames.ts";
import { publishEvent } from "./publish-event.ts";

const KIB = 1024;

/** The events that one client sends to the others of its channels (docs/protocols/pusher.md §2.7). */
export class ClientEvents {
  readonly #context: PusherContext;
  readonly #app: () => PusherApp;
  readonly #session: Session;
  /** Made with the first event. */
  #rate: RateWindow | undefined;

  constructor(context: PusherContext, app: () => PusherApp, session: Session) {
    this.#context = context;
    this.#app = app;
    this.#session = session;
  }

  /** Passes an event on to the other subscribers, or tells the sender why not. */
  relay({ event, channel: name, data }: ClientMessage): void {
    // Always as a string: clients of typed languages expect one.
    const text = eventDataOf(data);
    const problem = this.#problemWith(event, name, text);
    if (problem !== undefined) {
      this.#session.sendMessage(errorFrame(PUSHER_CODE.clientEvent, problem));
    } else if (name !== undefined && this.#takesOne()) {
      this.#publish(event, name, text);
    }
  }

  #notPublished(error: unknown, channel: string): void {
    const { logger, refusals } = this.#context;
    const { id: session, transport } = this.#session;
    const failure = failureOf(error, { logger, message: "client event not published", fields: { session } });
    if (failure !== error) return;
    const fields = { address: transport.peerAddress, app: this.#app().config.id, channel };
    refusals.note("pusher_event_not_taken", { ...fields, detail: failure.message });
  }

  #problemWith(event: string, name: string | undefined, text: string): string | undefined {
    const { config } = this.#app();
    const { max_event_name_length: maxLength, max_event_payload_in_kb: maxKib } = config;
    if (!config.enable_client_messages) return "The app does not allow client events";
    if (name === undefined || !kindOf(name).isPrivate) {
      return "Client events are for private and presence channels";
    }
    if (this.#subscriptionTo(name) === undefined) return "The client is not subscribed to the channel";
    if (maxLength > 0 && event.length > maxLength) return `The name has more than ${maxLength} characters`;
    if (maxKib > 0 && Buffer.byteLength(text) > maxKib * KIB) return `The data has more than ${maxKib} KiB`;
    return undefined;
  }

  #subscriptionTo(name: string) {
    const subscription = this.#session.subscriptions.get(this.#app().channelOf(name));
    return subscription?.isActive === true ? subscription : undefined;
  }

  #takesOne(): boolean {
    const {
      max_client_events_per_second: max,
      decay_seconds: windowSec,
      terminate_on_limit: isFatal,
    } = this.#app().config;
    if (max === 0) return true;
    this.#rate ??= new RateWindow();
    if (this.#rate.take(this.#context.clock.monotonicMs(), max, windowSec * 1000)) return true;
    const text = "The client sends too many events";
    if (isFatal) this.#session.disconnect(pusherClose("clientEvent", text));
    else this.#session.sendMessage(errorFrame(PUSHER_CODE.clientEvent, text));
    return false;
  }

  /** The broker keeps the order of what is handed to it, so nothing waits for its answers. */
  #publish(event: string, name: string, data: string): void {
    const { node, webhooks } = this.#context;
    const info = this.#subscriptionTo(name)?.info;
    const { id } = this.#session;
    publishEvent(node, this.#app(), {
      channel: name,
      event,
      data,
      info,
      excludeClient: id,
      skipHistory: true,
    }).catch((error: unknown) => this.#notPublished(error, name));
    const ofMember = kindOf(name).isPresence && info !== undefined ? { user_id: info.user } : {};
    webhooks.emit(this.#app(), {
      name: "client_event",
      channel: name,
      event,
      data,
      socket_id: socketIdOf(id),
      ...ofMember,
    });
  }
}
