import { type Disconnect, disconnect } from "../core/disconnect.ts";
import { BoundBy, type Counter, type GapFinder, type Metrics } from "../core/metrics.ts";
import { PositionGap } from "../session/position-gap.ts";
import type { Session } from "../session/session.ts";

/** Instruments for the sessions of one transport. */
interface TransportCounts {
  readonly accepted: Counter;
  readonly closed: BoundBy<string, Counter>;
  /** Admitted ones that have not ended. */
  inflight: number;
}

/** Label of codes that are too many. */
const OTHER_CODES = "other";
const CONNECTION_CLOSED = disconnect("connectionClosed").code;

/** Counts of sessions by transport: how many are let in, are there, and are ended by the server, and why. */
export class SessionCounts implements Disposable {
  readonly #transports: BoundBy<string, TransportCounts>;
  readonly #ended: BoundBy<string, Counter>;
  readonly #gaps: BoundBy<GapFinder, Counter>;
  readonly #gauges = new DisposableStack();

  constructor(metrics: Metrics) {
    this.#transports = new BoundBy((transport) => {
      const counts: TransportCounts = {
        accepted: metrics.counter("client_connections_accepted", { transport }),
        closed: new BoundBy(
          (code) => metrics.counter("transport_outgoing_close_count", { transport, code }),
          OTHER_CODES,
        ),
        inflight: 0,
      };
      // Connections may still come, and be turned away, when the node has stopped.
      if (!this.#gauges.disposed)
        this.#gauges.use(metrics.gauge("client_connections_inflight", { transport }, () => counts.inflight));
      return counts;
    });
    this.#ended = new BoundBy(
      (code) => metrics.counter("client_num_server_disconnects", { code }),
      OTHER_CODES,
    );
    this.#gaps = new BoundBy((foundBy) =>
      metrics.counter("client_position_gaps_total", { found_by: foundBy }),
    );
  }

  admitted({ transport }: Session): void {
    const counts = this.#transports.of(transport.name);
    counts.accepted.add(1);
    counts.inflight += 1;
  }

  /** A session has ended, perhaps before it was admitted. One whose client has left is not ended by the server. */
  closed({ transport, sequence }: Session, { code, cause }: Disconnect): void {
    const counts = this.#transports.of(transport.name);
    if (sequence > 0) counts.inflight -= 1;
    if (cause instanceof PositionGap) this.#gaps.of(cause.foundBy).add(1);
    if (code === CONNECTION_CLOSED) return;
    counts.closed.of(String(code)).add(1);
    this.#ended.of(String(code)).add(1);
  }

  [Symbol.dispose](): void {
    this.#gauges.dispose();
  }
}
