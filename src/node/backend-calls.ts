import type {
  AskingClient,
  Backend,
  ClientHeaders,
  ConnectAnswer,
  ConnectedClient,
  Question,
  RefreshAnswer,
} from "../core/backend.ts";
import type { ConnectRequest, OpeningHeaders } from "../core/connect-request.ts";
import type { Disconnect } from "../core/disconnect.ts";
import type { Session } from "../session/session.ts";

const NO_HEADERS: ClientHeaders = { kind: "http", received: new Map(), emulated: new Map() };

/**
 * What the backend is asked about sessions. Each method returns undefined where it is not asked. Questions about a session
 * that ends are given up: they reject with the reason.
 */
export class BackendCalls {
  readonly #backend: Backend;
  /** Of sessions for which anything is kept. */
  readonly #headers = new WeakMap<Session, ClientHeaders>();
  /** Questions under way. */
  readonly #asking = new Map<Session, Set<AbortController>>();

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** Whether expired connections are asked about, and so end or go on without their clients' doing. */
  get refreshes(): boolean {
    return this.#backend.refresh() !== undefined;
  }

  /** Keeps the headers that the backend wants to see, for as long as the session lives. */
  keepHeaders(session: Session, opening: OpeningHeaders, emulated: ReadonlyMap<string, string>): void {
    const wanted = this.#backend.headers;
    if (wanted !== "all" && wanted.size === 0) return;
    const received = new Map<string, readonly string[]>();
    for (const name of wanted === "all" ? opening.names() : wanted) {
      const values = opening.valuesOf(name);
      if (values.length > 0) received.set(name, values);
    }
    const stand = [...emulated].filter(([name]) => wanted === "all" || wanted.has(name));
    if (received.size === 0 && stand.length === 0) return;
    this.#headers.set(session, { kind: opening.kind, received, emulated: new Map(stand) });
  }

  /** Who the client is, that brings no token. */
  connect(session: Session, request: ConnectRequest): Promise<ConnectAnswer | undefined> | undefined {
    const question = this.#backend.connect();
    if (question === undefined) return undefined;
    const { data, name, version, subs } = request;
    const client = this.#clientOf(session);
    return this.#ask(session, question, { ...client, data, name, version, channels: [...subs.keys()] });
  }

  /** Whether the session may go on, that has expired. */
  refresh(session: Session): Promise<RefreshAnswer> | undefined {
    const question = this.#backend.refresh();
    return question && this.#ask(session, question, this.#connectedClientOf(session));
  }

  /** The session has ended: nobody waits for answers about it any more. */
  sessionClosed(session: Session, reason: Disconnect): void {
    for (const asking of this.#asking.get(session) ?? []) asking.abort(reason);
  }

  async #ask<Request, Answer>(
    session: Session,
    question: Question<Request, Answer>,
    request: Request,
  ): Promise<Answer> {
    const asking = new AbortController();
    const others = this.#asking.get(session);
    if (others === undefined) this.#asking.set(session, new Set([asking]));
    else others.add(asking);
    try {
      return await question(request, asking.signal);
    } catch (error) {
      throw asking.signal.aborted ? asking.signal.reason : error;
    } finally {
      this.#done(session, asking);
    }
  }

  #done(session: Session, asking: AbortController): void {
    const all = this.#asking.get(session);
    all?.delete(asking);
    if (all?.size === 0) this.#asking.delete(session);
  }

  #clientOf(session: Session): AskingClient {
    const { name: transport, protocol, peerAddress: address } = session.transport;
    const headers = this.#headers.get(session) ?? NO_HEADERS;
    return { client: session.id, transport, protocol, address, headers };
  }

  #connectedClientOf(session: Session): ConnectedClient {
    const { user, meta, labels } = session.identity;
    return { ...this.#clientOf(session), user, meta, labels };
  }
}
