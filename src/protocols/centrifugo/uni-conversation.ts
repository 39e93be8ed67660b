import type { ConnectFailureMap } from "../../auth/connect-failure.ts";
import type { Ambient } from "../../core/ambient.ts";
import { ClientError } from "../../core/client-error.ts";
import type { ConnectRequest, OpeningHeaders } from "../../core/connect-request.ts";
import { disconnect } from "../../core/disconnect.ts";
import { disconnectOf, failureOf, type FailureReport } from "../../core/failure.ts";
import type { Live } from "../../core/live.ts";
import { EncodedPush, type SubscribeResult } from "../../core/push.ts";
import type { RefusalLog } from "../../core/refusal-log.ts";
import { refusalOf, type RefusalReason } from "../../core/refusal.ts";
import type { UniConnection } from "../../core/uni-protocol.ts";
import { jsonFaultOf } from "../../lib/json/raw-json.ts";
import type { Connection, Connector, ConnectSettings } from "../../node/connecting/connector.ts";
import type { ServerNode } from "../../node/server-node.ts";
import { type NewSubscription, withoutRecovery } from "../../node/subscription-service.ts";
import type { Session } from "../../session/session.ts";

/** What of connecting follows the configuration while the server runs. */
export interface UniSettings extends ConnectSettings {
  readonly failures: ConnectFailureMap;
}

/** What conversations need; one object for all of them. */
export interface UniContext extends Pick<Ambient, "clock" | "logger"> {
  readonly node: ServerNode;
  readonly refusals: RefusalLog;
  readonly settings: Live<UniSettings>;
}

/**
 * The conversation of one unidirectional connection: one request, then pushes (docs/protocols/unidirectional.md §3).
 */
export class UniConversation implements UniConnection {
  readonly #context: UniContext;
  readonly #connector: Connector;
  readonly #session: Session;
  #asked = false;

  constructor(session: Session, context: UniContext, connector: Connector) {
    this.#session = session;
    this.#context = context;
    this.#connector = connector;
  }

  connect(request: ConnectRequest, headers: OpeningHeaders): void {
    if (this.#asked) return;
    this.#asked = true;
    this.#accept(request, headers).catch((error: unknown) => this.#refuse(error));
  }

  refuseRequest(error: unknown): void {
    if (error instanceof ClientError) {
      this.#note("bad_connect_request", jsonFaultOf(error));
      this.#session.disconnectSilently(disconnect("badRequest"));
    } else {
      this.#session.disconnectSilently(disconnectOf(error, this.#report("connect request not read")));
    }
  }

  closed(): void {
    this.#session.transportClosed();
  }

  async #accept(request: ConnectRequest, headers: OpeningHeaders): Promise<void> {
    const connection = await this.#connector.connect(this.#session, request, headers);
    if (connection !== undefined) this.#start(connection, request);
  }

  /** Tells the client that it is connected, sends what it missed, and lets everything flow. */
  #start({ data, subscriptions }: Connection, { resumeFrom }: ConnectRequest): void {
    const session = this.#session;
    // A client that resumes by itself has no code for publications inside the connect push.
    const resumes = ({ subscription }: NewSubscription): boolean => resumeFrom.has(subscription.channel);
    let told = subscriptions;
    let push = this.#connectPush(data, told, resumes);
    const frame = push.frameFor(session.transport.format);
    if (!session.hasRoomFor((frame?.byteLength ?? 0) + bytesToResume(told, resumes))) {
      // It would be disconnected as slow, come back, and ask for the same again and again.
      told = subscriptions.map(withoutRecovery);
      push = this.#connectPush(data, told, resumes);
    }
    this.#context.node.subscriptions.announce(told, { tell: () => session.send(push), sendsMissed: resumes });
    session.startKeeping();
  }

  #connectPush(
    data: Uint8Array | undefined,
    subscriptions: readonly NewSubscription[],
    resumes: (made: NewSubscription) => boolean,
  ): EncodedPush {
    const subs = new Map<string, SubscribeResult>();
    for (const made of subscriptions) {
      const { subscription, result } = made;
      subs.set(subscription.channel, resumes(made) ? { ...result, publications: [] } : result);
    }
    const connect = this.#connector.resultOf(this.#session, data, subs);
    return new EncodedPush({ type: "connect", connect });
  }

  #refuse(error: unknown): void {
    const failure = failureOf(error, this.#report("connect failed"));
    const refused = refusalOf(failure);
    if (refused !== undefined) this.#note(refused.reason, refused.message);
    this.#session.refuse(failure, this.#context.settings.get().failures.asDisconnect(failure));
  }

  #report(message: string): FailureReport {
    return { logger: this.#context.logger, message, fields: { session: this.#session.id } };
  }

  #note(reason: RefusalReason, detail: string): void {
    const { name: transport, peerAddress: address } = this.#session.transport;
    this.#context.refusals.note(reason, { address, transport, detail });
  }
}

/** Bytes around a publication, and in an event id besides the names of its channels; rather more than there are. */
const AROUND_BYTES = 64;

/** At most how many bytes it takes to send what clients missed that resume by themselves, with all escapes. */
function bytesToResume(
  subscriptions: readonly NewSubscription[],
  resumes: (made: NewSubscription) => boolean,
): number {
  const missed = subscriptions.filter(resumes).flatMap(({ result }) => result.publications);
  if (missed.length === 0) return 0;
  const names = subscriptions.map(({ subscription }) => 3 * subscription.channel.length + AROUND_BYTES);
  const idBytes = names.reduce((sum, bytes) => sum + bytes, 0);
  return missed.reduce((sum, { data }) => sum + 2 * data.byteLength + idBytes + AROUND_BYTES, 0);
}
