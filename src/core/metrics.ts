import type { RefusalReason } from "./refusal.ts";

/**
 * The closed table of metrics: names without prefix, labels with what they say. Names that Centrifugo has mean what they
 * mean there. Labels have few values, whatever clients do: there are no channels, users or addresses among them.
 */
export interface CounterLabels {
  readonly client_connections_accepted: { readonly transport: string };
  readonly client_num_server_disconnects: { readonly code: string };
  readonly client_recover: { readonly recovered: YesOrNo; readonly has_recovered_publications: YesOrNo };
  readonly client_position_gaps_total: { readonly found_by: GapFinder };
  readonly refusals_total: { readonly reason: RefusalReason };
  readonly transport_messages_sent: { readonly transport: string; readonly frame_type: FrameType };
  readonly transport_messages_sent_size: { readonly transport: string; readonly frame_type: FrameType };
  readonly transport_outgoing_close_count: { readonly transport: string; readonly code: string };
  readonly node_messages_sent_count: { readonly type: MessageType };
  readonly node_messages_received_count: { readonly type: MessageType };
  readonly broker_interruptions_total: Unlabelled;
  readonly api_command_errors_total: {
    readonly protocol: ApiProtocol;
    readonly method: string;
    readonly error: string;
  };
}

/** Histograms of the table. */
export interface HistogramLabels {
  readonly api_command_duration_seconds_histogram: {
    readonly protocol: ApiProtocol;
    readonly method: string;
  };
  readonly client_recovered_publications: Unlabelled;
  readonly node_survey_duration_seconds_histogram: { readonly op: string };
}

/** Gauges of the table. */
export interface GaugeLabels {
  readonly client_connections_inflight: { readonly transport: string };
  readonly node_num_clients: Unlabelled;
  readonly node_num_users: Unlabelled;
  readonly node_num_subscriptions: Unlabelled;
  readonly node_num_channels: Unlabelled;
  readonly node_num_nodes: Unlabelled;
  readonly process_event_loop_delay_seconds: { readonly quantile: "0.5" | "0.99" | "1" };
}

type Unlabelled = Readonly<Record<string, never>>;
type YesOrNo = "yes" | "no";
/** What has shown that publications are missing: the next one, or the comparison with the stream. */
export type GapFinder = "publication" | "check";
/** What nodes tell each other. */
export type MessageType =
  "publication" | "join" | "leave" | "member_added" | "member_removed" | "subscription_count" | "control";
/** How a call of a backend came in. */
export type ApiProtocol = "http" | "connect" | "grpc" | "pusher";
/** What a frame has in it: a push, a message in a protocol's own words, or the id of the event behind it. */
export type FrameType =
  | "server_ping"
  | "push_connect"
  | "push_publication"
  | "push_join"
  | "push_leave"
  | "push_member_added"
  | "push_member_removed"
  | "push_subscription_count"
  | "push_subscribe"
  | "push_unsubscribe"
  | "push_refresh"
  | "push_disconnect"
  | "reply"
  | "event_id";

export type CounterName = keyof CounterLabels;
export type HistogramName = keyof HistogramLabels;
export type GaugeName = keyof GaugeLabels;

/** What the table says of one metric. */
export interface MetricDefinition<Labels> {
  readonly help: string;
  readonly unit?: "bytes" | "seconds";
  /** What each label says. */
  readonly labels: Readonly<Record<keyof Labels, string>>;
}

/** What the table says of one histogram. */
export interface HistogramDefinition<Labels> extends MetricDefinition<Labels> {
  /** Upper bounds, ascending; one without bound comes behind them. */
  readonly buckets: readonly number[];
}

const TRANSPORT = "Transport, such as uni_websocket.";
const FRAME_TYPE = "What is in a frame, such as push_publication.";
const DISCONNECT_CODE = "Code of the disconnect; other beyond the first hundred.";
const MESSAGE_TYPE = "publication, join, leave, control and other notices.";
const API_PROTOCOL = "http, connect, grpc or pusher.";
const API_METHOD = "Method of the API.";

export const COUNTERS: { readonly [Name in CounterName]: MetricDefinition<CounterLabels[Name]> } = {
  client_connections_accepted: {
    help: "Connections whose clients have been let in.",
    labels: { transport: TRANSPORT },
  },
  client_num_server_disconnects: {
    help: "Connections that the server has ended.",
    labels: { code: DISCONNECT_CODE },
  },
  client_recover: {
    help: "Subscriptions that were to be given what they missed.",
    labels: {
      recovered: "yes where nothing is missing.",
      has_recovered_publications: "yes where there was something to give.",
    },
  },
  client_position_gaps_total: {
    help: "Connections that were ended because publications did not reach them.",
    labels: { found_by: "publication, or check: the comparison with the stream." },
  },
  refusals_total: {
    help: "Clients, channels and calls of backends that were refused.",
    labels: { reason: "Reason as it stands in the log." },
  },
  transport_messages_sent: {
    help: "Messages handed to the transports.",
    labels: { transport: TRANSPORT, frame_type: FRAME_TYPE },
  },
  transport_messages_sent_size: {
    help: "Bytes of the messages handed to the transports, with their framing.",
    unit: "bytes",
    labels: { transport: TRANSPORT, frame_type: FRAME_TYPE },
  },
  transport_outgoing_close_count: {
    help: "Connections that the server has ended, by transport. Slow ones have code 3008.",
    labels: { transport: TRANSPORT, code: DISCONNECT_CODE },
  },
  node_messages_sent_count: {
    help: "Messages that the node has published or sent to other nodes.",
    labels: { type: MESSAGE_TYPE },
  },
  node_messages_received_count: {
    help: "Messages that the node has got of its channels and from other nodes.",
    labels: { type: MESSAGE_TYPE },
  },
  broker_interruptions_total: { help: "Times that publications may have been lost.", labels: {} },
  api_command_errors_total: {
    help: "Calls of backends that have failed.",
    labels: {
      protocol: API_PROTOCOL,
      method: API_METHOD,
      error: "Code of the error; of Pusher's API the status.",
    },
  },
};

/** Prometheus's own, and those that Centrifugo has for what takes less. */
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const SURVEY_SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export const HISTOGRAMS: { readonly [Name in HistogramName]: HistogramDefinition<HistogramLabels[Name]> } = {
  api_command_duration_seconds_histogram: {
    help: "Time that calls of backends take.",
    unit: "seconds",
    labels: { protocol: API_PROTOCOL, method: API_METHOD },
    buckets: SECONDS,
  },
  client_recovered_publications: {
    help: "Publications that recovered subscriptions were given.",
    labels: {},
    buckets: [0, 1, 2, 5, 10, 20, 50, 100, 250, 500, 1000],
  },
  node_survey_duration_seconds_histogram: {
    help: "Time until all other nodes have answered.",
    unit: "seconds",
    labels: { op: "What was asked." },
    buckets: SURVEY_SECONDS,
  },
};

export const GAUGES: { readonly [Name in GaugeName]: MetricDefinition<GaugeLabels[Name]> } = {
  client_connections_inflight: {
    help: "Connections whose clients are let in.",
    labels: { transport: TRANSPORT },
  },
  node_num_clients: { help: "Connections of the node.", labels: {} },
  node_num_users: { help: "Users with connections to the node; all anonymous ones are one.", labels: {} },
  node_num_subscriptions: { help: "Subscriptions of the node's connections.", labels: {} },
  node_num_channels: { help: "Channels with subscribers on the node.", labels: {} },
  node_num_nodes: { help: "Nodes that the node knows of, itself included.", labels: {} },
  process_event_loop_delay_seconds: {
    help: "How late the event loop was, since it was looked at before.",
    unit: "seconds",
    labels: { quantile: "0.5, 0.99, or 1 for the longest delay." },
  },
};

/** A number that only grows. */
export interface Counter {
  add(amount: number): void;
}

/** How values are distributed. */
export interface Histogram {
  observe(value: number): void;
}

/**
 * Where the server counts what it does. Instruments are bound to their labels before anything is counted, and kept: the
 * same name with the same labels is the same instrument.
 */
export interface Metrics {
  counter<Name extends CounterName>(name: Name, labels: CounterLabels[Name]): Counter;
  histogram<Name extends HistogramName>(name: Name, labels: HistogramLabels[Name]): Histogram;
  /** Has a gauge read whenever somebody looks, until it is disposed. Gauges of the same name and labels add up. */
  gauge<Name extends GaugeName>(name: Name, labels: GaugeLabels[Name], read: () => number): Disposable;
}

const IGNORED: Counter & Histogram & Disposable = {
  add: () => undefined,
  observe: () => undefined,
  [Symbol.dispose]: () => undefined,
};

/** Metrics that nobody looks at. */
export const NO_METRICS: Metrics = {
  counter: () => IGNORED,
  histogram: () => IGNORED,
  gauge: () => IGNORED,
};

/** Values of one label that are kept apart where they are not from a closed set. */
const MAX_VALUES = 100;

/** Instruments of one metric by the value of a label that is known only when there is something to count. */
export class BoundBy<Value, Instrument> {
  readonly #bind: (value: Value) => Instrument;
  readonly #rest: Value | undefined;
  readonly #bound = new Map<Value, Instrument>();

  /** With `rest`, values beyond the first hundred count as that one. Without, they must be from a closed set. */
  constructor(bind: (value: Value) => Instrument, rest?: Value) {
    this.#bind = bind;
    this.#rest = rest;
  }

  of(value: Value): Instrument {
    const bound = this.#bound.get(value);
    if (bound !== undefined) return bound;
    const rest = this.#rest;
    if (rest !== undefined && value !== rest && this.#bound.size >= MAX_VALUES) return this.of(rest);
    const instrument = this.#bind(value);
    this.#bound.set(value, instrument);
    return instrument;
  }
}
