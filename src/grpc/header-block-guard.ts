import type { ServerHttp2Session, ServerHttp2Stream } from "node:http2";

/** What is known of a connection. */
interface Watched {
  openStreams: number;
  /** The latest stream whose header block has come, 0 before the first. */
  lastStreamId: number;
  /** The stream whose header block was under way at the last look. */
  unfinishedId: number | undefined;
}

/**
 * Cuts connections without streams on which a header block has begun and does not end, of which Node tells nobody.
 * Looks at all in rounds, and leaves those that are idle: clients of gRPC keep them.
 */
export class HeaderBlockGuard {
  readonly #timeoutMs: number;
  readonly #watched = new Map<ServerHttp2Session, Watched>();
  #looking: NodeJS.Timeout | undefined;

  /** `timeoutMs` of 0 or less waits for ever. */
  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** Looks after a connection from its beginning. */
  watch(session: ServerHttp2Session): void {
    if (this.#timeoutMs <= 0) return;
    const watched: Watched = { openStreams: 0, lastStreamId: 0, unfinishedId: undefined };
    const onStreamClose = (): void => void (watched.openStreams -= 1);
    session.on("stream", (stream: ServerHttp2Stream) => {
      watched.openStreams += 1;
      watched.lastStreamId = stream.id ?? watched.lastStreamId;
      stream.once("close", onStreamClose);
    });
    this.#watched.set(session, watched);
    session.once("close", () => this.#forget(session));
    this.#looking ??= setInterval(() => this.#look(), this.#timeoutMs).unref();
  }

  #forget(session: ServerHttp2Session): void {
    this.#watched.delete(session);
    if (this.#watched.size > 0) return;
    clearInterval(this.#looking);
    this.#looking = undefined;
  }

  #look(): void {
    for (const [session, watched] of this.#watched) {
      // Counts streams from the first frame of their header block; a refused one looks the same, and its client
      // loses an idle connection.
      const begunId = session.state.lastProcStreamID ?? 0;
      const isUnfinished = watched.openStreams === 0 && begunId > watched.lastStreamId;
      if (isUnfinished && watched.unfinishedId === begunId) session.destroy();
      watched.unfinishedId = isUnfinished ? begunId : undefined;
    }
  }
}
