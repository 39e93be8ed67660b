import type { ConnectAuthenticator, Credentials } from "../../auth/connect-authenticator.ts";
import type { ConnectFailureMap } from "../../auth/connect-failure.ts";
import { grantRequestedSubscriptions } from "../../auth/requested-subscriptions.ts";
import { ClientError, clientError } from "../../core/client-error.ts";
import type { Clock } from "../../core/clock.ts";
import { PLAIN_GRANT, type SubscriptionGrant } from "../../core/credentials.ts";
import { disconnect } from "../../core/disconnect.ts";
import { EncodedPush } from "../../core/encoded-push.ts";
import { disconnectOf, failureOf, type FailureReport } from "../../core/failure.ts";
import type { Live } from "../../core/live.ts";
import type { Logger } from "../../core/logger.ts";
import type { ConnectResult, SubscribeResult } from "../../core/push.ts";
import type { RefusalLog } from "../../core/refusal-log.ts";
import { Refused, refusalOf, type RefusalReason } from "../../core/refusal.ts";
import { SUBSCRIPTION_SOURCE, type SubscriptionSource } from "../../core/subscription-source.ts";
import type { ConnectRequest, HeaderReader, UniConnection } from "../../core/uni-protocol.ts";
import type { ServerNode } from "../../node/server-node.ts";
import { jsonFaultOf } from "../../lib/json/json-decode-error.ts";
import { type NewSubscription, withoutRecovery } from "../../node/subscription-service.ts";
import type { Session } from "../../session/session.ts";

/** What the configuration says about connecting. 0 or less switches a limit off. */
export interface UniConnectOptions {
  /** Server version and edition as clients see it. */
  readonly version: string;
  readonly channelLimit: number;
  /** Connections of one user on this node; anonymous users are not counted. */
  readonly userConnectionLimit: number;
  /** A user's new connection ends the ones before it. */
  readonly singleConnection: boolean;
  readonly includeServerTime: boolean;
  /** Admits requested channels that no rule admits. */
  readonly insecure: boolean;
  /** A user's own channel, subscribed unasked; undefined when switched off. */
  readonly personalChannel: ((user: string) => string) | undefined;
}

/** What of connecting follows the configuration while the server runs. */
export interface UniSettings {
  readonly authenticator: ConnectAuthenticator;
  readonly failures: ConnectFailureMap;
  readonly options: UniConnectOptions;
}

/** What conversations need; one object for all of them. */
export interface UniContext {
  readonly node: ServerNode;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly refusals: RefusalLog;
  readonly settings: Live<UniSettings>;
}

/** A subscription that a connection begins with. */
interface InitialSubscription {
  readonly grant: SubscriptionGrant;
  readonly source: SubscriptionSource;
}

/**
 * The conversation of one unidirectional connection: one request, then pushes (docs/protocols/unidirectional.md §3).
 */
export class UniConversation implements UniConnection {
  readonly #context: UniContext;
  readonly #session: Session;
  #asked = false;

  constructor(session: Session, context: UniContext) {
    this.#session = session;
    this.#context = context;
  }

  get #settings(): UniSettings {
    return this.#context.settings.get();
  }

  connect(request: ConnectRequest, header: HeaderReader = () => undefined): void {
    if (this.#asked) return;
    this.#asked = true;
    this.#accept(request, header).catch((error: unknown) => this.#refuse(error));
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

  async #accept(request: ConnectRequest, header: HeaderReader): Promise<void> {
    const { clock } = this.#context;
    const session = this.#session;
    const credentials = await this.#settings.authenticator.authenticate({ token: request.token, header });
    if (session.isClosed) return;
    this.#context.node.users.checkAccess(credentials);
    if (credentials.user !== "") await this.#takePlaceOf(credentials.user);
    if (session.isClosed) return;
    const grants = this.#grants(credentials, request);
    const { channelLimit } = this.#settings.options;
    if (channelLimit > 0 && grants.size > channelLimit) {
      throw disconnect("channelLimit", new Refused("channel_limit", `${grants.size} channels`));
    }
    if (credentials.expireAtSec !== undefined && credentials.expireAtSec * 1000 <= clock.wallMs()) {
      throw clientError("expired", new Refused("token_expired"));
    }
    // The grants have been used: nothing of them is to stay in memory as long as the connection.
    const { subscriptions: _used, ...identity } = credentials;
    session.identify({ ...identity, appName: request.name, appVersion: request.version });
    this.#context.node.sessions.admit(session);
    if (session.isClosed) return;
    const subscriptions = await this.#subscribeAll(grants, request);
    if (!session.isClosed) this.#start(credentials, subscriptions, request);
  }

  /** Everything the connection is to be subscribed to, by channel: its token's, its user's own, what it asked for. */
  #grants(credentials: Credentials, request: ConnectRequest): Map<string, InitialSubscription> {
    const { node } = this.#context;
    const { options } = this.#settings;
    const { user, source } = credentials;
    const grants = new Map<string, InitialSubscription>();
    for (const [channel, grant] of credentials.subscriptions) {
      if (node.channels.optionsOf(channel) === undefined) {
        throw clientError(
          "unknownChannel",
          new Refused("unknown_namespace", `channel ${JSON.stringify(channel)}`),
        );
      }
      grants.set(channel, { grant, source: SUBSCRIPTION_SOURCE.connectionToken });
    }
    if (source === "token" && user !== "" && options.personalChannel !== undefined) {
      const channel = options.personalChannel(user);
      grants.set(channel, { grant: PLAIN_GRANT, source: SUBSCRIPTION_SOURCE.personalChannel });
    }
    if (source !== "header") {
      const requested = grantRequestedSubscriptions(request.subs.keys(), {
        user,
        rules: node.channels.rules,
        insecure: options.insecure,
      });
      const initial = { grant: PLAIN_GRANT, source: SUBSCRIPTION_SOURCE.uniConnect };
      for (const channel of requested) if (!grants.has(channel)) grants.set(channel, initial);
    }
    const [leftOut] = [...request.subs.keys()].filter((channel) => !grants.has(channel));
    if (leftOut !== undefined) this.#note("channel_not_permitted", `channel ${JSON.stringify(leftOut)}`);
    return grants;
  }

  /** One of the connections that the user may have, all of which a single one ends. */
  async #takePlaceOf(user: string): Promise<void> {
    const { node } = this.#context;
    const { singleConnection, userConnectionLimit: limit } = this.#settings.options;
    if (singleConnection) {
      await node.sessions.disconnect({ user, client: "", session: "" }, disconnect("connectionLimit"), []);
    }
    const max = limit > 0 ? limit : Number.POSITIVE_INFINITY;
    const isTaken = await node.sessions.takeSlot(this.#session, `user:${user}`, max);
    if (!isTaken && !this.#session.isClosed) {
      throw disconnect(
        "connectionLimit",
        new Refused("user_connection_limit", `user ${JSON.stringify(user)}`),
      );
    }
  }

  async #subscribeAll(
    grants: ReadonlyMap<string, InitialSubscription>,
    request: ConnectRequest,
  ): Promise<readonly NewSubscription[]> {
    const { node } = this.#context;
    const subscribing = [...grants].map(([channel, initial]) => {
      const asked = request.subs.get(channel);
      // What a client brings along by itself is newer than what its address says.
      const resumed = request.resumeFrom.get(channel);
      const since = resumed ?? asked;
      const wantsRecovery = resumed !== undefined || asked?.recover === true;
      const wantsDelta = asked?.delta === true;
      return node.subscriptions.subscribe(this.#session, {
        channel,
        ...initial,
        since,
        wantsRecovery,
        wantsDelta,
      });
    });
    return Promise.all(subscribing);
  }

  /** Tells the client that it is connected, sends what it missed, and lets everything flow. */
  #start(credentials: Credentials, subscriptions: readonly NewSubscription[], request: ConnectRequest): void {
    const { node } = this.#context;
    const session = this.#session;
    // A client that resumes by itself has no code for publications inside the connect push.
    const resumes = (made: NewSubscription): boolean => request.resumeFrom.has(made.subscription.channel);
    let told = subscriptions;
    let push = this.#connectPush(credentials, told, resumes);
    const frame = push.frameFor(session.transport.format);
    if (!session.hasRoomFor((frame?.byteLength ?? 0) + bytesToResume(told, resumes))) {
      // It would be disconnected as slow, come back, and ask for the same again and again.
      told = subscriptions.map(withoutRecovery);
      push = this.#connectPush(credentials, told, resumes);
    }
    for (const made of told) node.subscriptions.confirm(made, resumes(made) ? "sent" : "told");
    session.sendEventId();
    session.send(push);
    for (const { subscription, result } of told.filter(resumes)) {
      for (const publication of result.publications) subscription.sendMissed(publication);
    }
    for (const made of told) node.subscriptions.activate(made);
    session.startKeeping();
  }

  #connectPush(
    credentials: Credentials,
    subscriptions: readonly NewSubscription[],
    resumes: (made: NewSubscription) => boolean,
  ): EncodedPush {
    const subs = new Map<string, SubscribeResult>();
    for (const made of subscriptions) {
      const { subscription, result } = made;
      subs.set(subscription.channel, resumes(made) ? { ...result, publications: [] } : result);
    }
    return new EncodedPush({ type: "connect", connect: this.#connectResult(credentials, subs) });
  }

  #connectResult(credentials: Credentials, subs: ReadonlyMap<string, SubscribeResult>): ConnectResult {
    const { options } = this.#settings;
    const now = this.#context.clock.wallMs();
    const { expireAtSec } = credentials;
    return {
      client: this.#session.id,
      session: this.#session.secretId,
      version: options.version,
      data: undefined,
      subs,
      ttlSec: expireAtSec === undefined ? undefined : Math.max(0, Math.ceil(expireAtSec - now / 1000)),
      pingSec: Math.max(0, Math.floor(this.#session.transport.pingIntervalMs / 1000)),
      timeMs: options.includeServerTime ? now : undefined,
    };
  }

  #refuse(error: unknown): void {
    const failure = failureOf(error, this.#report("connect failed"));
    const refused = refusalOf(failure);
    if (refused !== undefined) this.#note(refused.reason, refused.message);
    this.#session.refuse(failure, this.#settings.failures.asDisconnect(failure));
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
