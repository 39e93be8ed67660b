import type { ConnectAuthenticator } from "../../auth/connect-authenticator.ts";
import { clientError } from "../../core/client-error.ts";
import type { Clock } from "../../core/clock.ts";
import type { ConnectRequest, OpeningHeaders } from "../../core/connect-request.ts";
import { type Disconnect, disconnect } from "../../core/disconnect.ts";
import type { Live } from "../../core/live.ts";
import type { ConnectResult, SubscribeResult } from "../../core/push.ts";
import type { RefusalLog } from "../../core/refusal-log.ts";
import { Refused } from "../../core/refusal.ts";
import type { Credentials } from "../../core/token-verifier.ts";
import type { Session, SessionIdentity } from "../../session/session.ts";
import type { ServerNode } from "../server-node.ts";
import type { NewSubscription } from "../subscription-service.ts";
import { gatherGrants, type InitialSubscription } from "./grants.ts";

/** What the configuration says about connecting. 0 or less switches a limit off. */
export interface ConnectOptions {
  /** Server version and edition as clients see it. */
  readonly version: string;
  readonly channelLimit: number;
  /** Connections of one user on all nodes; anonymous users are not counted. */
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
export interface ConnectSettings {
  readonly authenticator: ConnectAuthenticator;
  readonly options: ConnectOptions;
}

/** What connecting works with. */
export interface ConnectorParts {
  readonly node: ServerNode;
  readonly clock: Clock;
  readonly refusals: RefusalLog;
  readonly settings: Live<ConnectSettings>;
}

/** A connection whose client has yet to be told of it. */
export interface Connection {
  /** What the backend has to say to the client; undefined for nothing. */
  readonly data: Uint8Array | undefined;
  readonly subscriptions: readonly NewSubscription[];
}

/**
 * The way in, the same for every protocol whose clients send a connect request: authenticate, check access, take a slot,
 * gather grants, check limits, admit, subscribe (docs/protocols/unidirectional.md §3.1). The protocol tells the client.
 */
export class Connector {
  readonly #parts: ConnectorParts;

  constructor(parts: ConnectorParts) {
    this.#parts = parts;
  }

  /**
   * Takes a session through all steps but the telling. Resolves to undefined where it has ended meanwhile; rejects with
   * the ClientError or Disconnect that refuses it. Waits only where there is something to wait for.
   */
  async connect(
    session: Session,
    request: ConnectRequest,
    headers: OpeningHeaders,
  ): Promise<Connection | undefined> {
    const { node } = this.#parts;
    const { authenticator, options } = this.#parts.settings.get();
    session.requested();
    node.backend.keepHeaders(session, headers, request.headers);
    const verdict = authenticator.authenticate({
      token: request.token,
      headers,
      askBackend: () => node.backend.connect(session, request),
    });
    const credentials = verdict instanceof Promise ? await verdict : verdict;
    if (session.isClosed) return undefined;
    node.users.checkAccess(credentials);
    const { user } = credentials;
    if (user !== "") {
      if (options.singleConnection) await this.#endOthers(user);
      const slot = node.sessions.takeSlot(session, `user:${user}`, maxOf(options.userConnectionLimit));
      const isTaken = typeof slot === "boolean" ? slot : await slot;
      if (session.isClosed) return undefined;
      if (!isTaken) throw tooManyConnections(user);
    }
    const grants = gatherGrants(credentials, request.subs.keys(), {
      rules: node.channels.rules,
      insecure: options.insecure,
      personalChannel: options.personalChannel,
    });
    this.#noteLeftOut(session, request, grants);
    this.#checkLimits(credentials, grants.size, options.channelLimit);
    // The grants have been used: nothing of them is to stay in memory as long as the connection.
    node.sessions.admit(session, identityOf(credentials, request));
    if (session.isClosed) return undefined;
    const { data } = credentials;
    const subscriptions = grants.size === 0 ? [] : await this.#subscribe(session, request, grants);
    return session.isClosed ? undefined : { data, subscriptions };
  }

  /** What the client is told of its connection; `subs` are the results of its subscriptions. */
  resultOf(
    session: Session,
    data: Uint8Array | undefined,
    subs: ReadonlyMap<string, SubscribeResult>,
  ): ConnectResult {
    const { node, clock, settings } = this.#parts;
    const { version, includeServerTime } = settings.get().options;
    const now = clock.wallMs();
    const { expireAtSec } = session.identity;
    // Whom the backend refreshes need not do anything about it.
    const isTold = expireAtSec !== undefined && !node.backend.refreshes;
    return {
      client: session.id,
      session: session.secretId,
      version,
      data,
      subs,
      ttlSec: isTold ? Math.max(0, Math.ceil(expireAtSec - now / 1000)) : undefined,
      pingSec: Math.max(0, Math.floor(session.transport.pingIntervalMs / 1000)),
      timeMs: includeServerTime ? now : undefined,
    };
  }

  async #endOthers(user: string): Promise<void> {
    const { sessions } = this.#parts.node;
    await sessions.disconnect({ user, client: "", session: "" }, disconnect("connectionLimit"), []);
  }

  #noteLeftOut(
    { transport }: Session,
    { subs }: ConnectRequest,
    grants: ReadonlyMap<string, InitialSubscription>,
  ): void {
    for (const channel of subs.keys()) {
      if (grants.has(channel)) continue;
      const { name, peerAddress: address } = transport;
      const detail = `channel ${JSON.stringify(channel)}`;
      this.#parts.refusals.note("channel_not_permitted", { address, transport: name, detail });
      return;
    }
  }

  #checkLimits({ expireAtSec }: Credentials, channelCount: number, channelLimit: number): void {
    if (channelLimit > 0 && channelCount > channelLimit) {
      throw disconnect("channelLimit", new Refused("channel_limit", `${channelCount} channels`));
    }
    if (expireAtSec !== undefined && expireAtSec * 1000 <= this.#parts.clock.wallMs()) {
      throw clientError("expired", new Refused("token_expired"));
    }
  }

  #subscribe(
    session: Session,
    { subs, resumeFrom }: ConnectRequest,
    grants: ReadonlyMap<string, InitialSubscription>,
  ): Promise<readonly NewSubscription[]> {
    const { subscriptions } = this.#parts.node;
    const subscribing = [...grants].map(([channel, { grant, source }]) => {
      const asked = subs.get(channel);
      // What a client brings along by itself is newer than what its address says.
      const resumed = resumeFrom.get(channel);
      return subscriptions.subscribe(session, {
        channel,
        grant,
        source,
        since: resumed ?? asked,
        wantsRecovery: resumed !== undefined || asked?.recover === true,
        wantsDelta: asked?.delta === true,
      });
    });
    return Promise.all(subscribing);
  }
}

function maxOf(limit: number): number {
  return limit > 0 ? limit : Number.POSITIVE_INFINITY;
}

function tooManyConnections(user: string): Disconnect {
  const refused = new Refused("user_connection_limit", `user ${JSON.stringify(user)}`);
  return disconnect("connectionLimit", refused);
}

function identityOf(credentials: Credentials, request: ConnectRequest): SessionIdentity {
  const { user, expireAtSec, info, meta, labels, tokenId, issuedAtSec, source } = credentials;
  const { name: appName, version: appVersion } = request;
  return { user, expireAtSec, info, meta, labels, tokenId, issuedAtSec, appName, appVersion, source };
}
