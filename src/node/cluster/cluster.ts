import type { Ambient } from "../../core/ambient.ts";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  type Announcement,
  type Answer,
  type AnswerSchema,
  type Envelope,
  EnvelopeSchema,
  type Node,
  type Request,
} from "../../../gen/millrace/cluster/v1/cluster_pb.ts";
import { clientError } from "../../core/client-error.ts";
import type { BusAddress, ControlBus } from "../../core/control-bus.ts";
import { reportBugs } from "../../core/failure.ts";
import { BoundBy, type Counter, type Histogram } from "../../core/metrics.ts";
import { decodeFailure, encodeFailure } from "../../wire/failure.ts";
import {
  NODE_CALLS,
  type NodeCallAnswer,
  type NodeCallArgument,
  type NodeCallName,
  type NodeCalls,
} from "./calls.ts";
import { type NodeEntry, NodeRegistry } from "./node-registry.ts";
import { type NodeAnswer, Surveys } from "./surveys.ts";

/** How nodes find out that another one has died without a word. Milliseconds. */
export interface ClusterHeartbeat {
  /** How often each node says that it is there. */
  readonly intervalMs: number;
  /** A node that has not been heard for longer is gone. */
  readonly timeoutMs: number;
}

/** What a cluster works with. */
export interface ClusterOptions extends Pick<Ambient, "clock" | "logger" | "metrics"> {
  /** This node. */
  readonly uid: string;
  /** Uid of the process that this machine's processes belong to; that of the node where it is alone. */
  readonly machine: string;
  readonly name: string;
  readonly version: string;
  readonly bus: ControlBus;
  /** Undefined where whoever carries the messages notices a dead node, and says so by `lost`. */
  readonly heartbeat: ClusterHeartbeat | undefined;
}

/** How long nodes may take to answer. */
const ANSWER_TIMEOUT_MS = 10_000;
/** Requests that may wait until this node can answer. */
const MAX_WAITING_REQUESTS = 10_000;

/**
 * The nodes that work together, this one among them: who there is, and what one asks of the others.
 *
 * What one node asks of another arrives in the order of asking. A node that goes down meanwhile has no answer, which
 * is no error; one that is there and does not answer in time has none either, and is named in the log; errors of the
 * nodes that do answer reject.
 */
export class Cluster {
  readonly #options: ClusterOptions;
  readonly #registry: NodeRegistry;
  readonly #surveys: Surveys;
  readonly #startedAtMs: number;
  readonly #sent: Counter;
  readonly #received: Counter;
  readonly #durations: BoundBy<NodeCallName, Histogram>;
  #heartbeat: Disposable | undefined;
  #calls: NodeCalls | undefined;
  /** Requests that came before there was anything to answer them. */
  #waiting: (() => void)[] = [];
  /** Resolves when the process that this one belongs to has told who there is. */
  readonly #welcomed = Promise.withResolvers<void>();

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.#registry = new NodeRegistry(options.clock);
    this.#surveys = new Surveys(options.clock);
    this.#startedAtMs = options.clock.monotonicMs();
    const { metrics } = options;
    this.#sent = metrics.counter("node_messages_sent_count", { type: "control" });
    this.#received = metrics.counter("node_messages_received_count", { type: "control" });
    this.#durations = new BoundBy((op) =>
      metrics.histogram("node_survey_duration_seconds_histogram", { op }),
    );
    if (options.machine === options.uid) this.#welcomed.resolve();
  }

  /** Uids of the other nodes. */
  get others(): readonly string[] {
    return this.#registry.uids;
  }

  /** All nodes, this one first. */
  get nodes(): readonly NodeEntry[] {
    return [this.#self(), ...this.#registry.uids.flatMap((uid) => this.#registry.get(uid) ?? [])];
  }

  /**
   * Makes this node known to the others. Where it is one process of several of its machine, it resolves once it knows
   * those. What others ask waits for `serve`.
   */
  async join(): Promise<void> {
    const { bus, clock, heartbeat } = this.#options;
    await bus.start((bytes) => this.#receive(bytes));
    await this.#send("all", announcementOf([this.#self()], true));
    if (heartbeat !== undefined)
      this.#heartbeat = clock.every(heartbeat.intervalMs, () => this.#beat(heartbeat));
    await this.#welcomed.promise;
  }

  /** Has these answer what other nodes ask, and have asked so far. */
  serve(calls: NodeCalls): void {
    this.#calls = calls;
    for (const answer of this.#waiting) answer();
    this.#waiting = [];
  }

  /** Asks all nodes, this one included; its answer is the first. What is asked has happened everywhere when it resolves. */
  async ask<Name extends NodeCallName>(
    name: Name,
    argument: NodeCallArgument<Name>,
  ): Promise<readonly NodeAnswer<NodeCallAnswer<Name>>[]> {
    const others = this.#survey("all", this.#registry.uids, name, argument);
    const [answers, own] = await Promise.all([others, this.#callOwn(name, argument)]);
    return [{ uid: this.#options.uid, value: own }, ...answers];
  }

  /** Asks one node; undefined where it is gone. The signal is for this node itself. */
  async askNode<Name extends NodeCallName>(
    uid: string,
    name: Name,
    argument: NodeCallArgument<Name>,
    signal?: AbortSignal,
  ): Promise<NodeCallAnswer<Name> | undefined> {
    if (uid === this.#options.uid) return this.#callOwn(name, argument, signal);
    if (!this.#registry.has(uid)) return undefined;
    const [answer] = await this.#survey({ node: uid }, [uid], name, argument);
    return answer?.value;
  }

  /** A node has died, as whoever carried its messages has noticed. */
  async lost(uid: string): Promise<void> {
    this.#gone(uid);
    await this.#send("all", { case: "departure", value: { uid } });
  }

  /** Takes leave of the others. Idempotent. */
  async leave(): Promise<void> {
    this.#heartbeat?.[Symbol.dispose]();
    this.#surveys[Symbol.dispose]();
    await this.#send("all", { case: "departure", value: { uid: this.#options.uid } });
    await this.#options.bus.close();
  }

  #self(): NodeEntry {
    const { uid, machine, name, version, clock } = this.#options;
    return { uid, machine, name, version, uptimeSec: (clock.monotonicMs() - this.#startedAtMs) / 1000 };
  }

  async #survey<Name extends NodeCallName>(
    to: BusAddress,
    uids: readonly string[],
    name: Name,
    argument: NodeCallArgument<Name>,
  ): Promise<readonly NodeAnswer<NodeCallAnswer<Name>>[]> {
    if (uids.length === 0) return [];
    const { argument: argumentCodec, answer: answerCodec } = NODE_CALLS[name];
    const { clock } = this.#options;
    const askedAtMs = clock.monotonicMs();
    const { answers, missing } = await this.#surveys.run(uids, ANSWER_TIMEOUT_MS, (id) => {
      const request = { id: BigInt(id), call: name, argument: argumentCodec.encode(argument) };
      return this.#send(to, { case: "request", value: request });
    });
    this.#durations.of(name).observe((clock.monotonicMs() - askedAtMs) / 1000);
    for (const uid of missing) this.#logMissing(uid, name);
    return answers.map(({ uid, value }) => ({ uid, value: answerCodec.decode(value) }));
  }

  async #callOwn<Name extends NodeCallName>(
    name: Name,
    argument: NodeCallArgument<Name>,
    signal?: AbortSignal,
  ): Promise<NodeCallAnswer<Name>> {
    if (this.#calls === undefined) throw clientError("internal", new Error("the node has not been started"));
    return this.#calls[name](argument, signal);
  }

  #receive(bytes: Uint8Array): void {
    this.#received.add(1);
    try {
      const { from, body } = fromBinary(EnvelopeSchema, bytes);
      if (from !== this.#options.uid) this.#take(from, body);
    } catch (err) {
      this.#options.logger.error({ err }, "message of another node cannot be read");
    }
  }

  #take(from: string, body: Envelope["body"]): void {
    switch (body.case) {
      case "announcement":
        return this.#takeAnnouncement(from, body.value);
      case "departure":
        return this.#gone(body.value.uid);
      case "request":
        return this.#takeRequest(from, body.value);
      case "answer":
        return this.#takeAnswer(from, body.value);
      // A newer node says something that this one does not know.
      case undefined:
        return undefined;
    }
  }

  /** The answer to who asks has this machine's processes, or this node alone where it speaks for itself only. */
  #takeAnnouncement(from: string, { nodes, asks }: Announcement): void {
    const { uid: ownUid, machine } = this.#options;
    for (const node of nodes) if (node.uid !== ownUid) this.#registry.heard(entryOf(node));
    if (from === machine) this.#welcomed.resolve();
    if (!asks) return;
    const ofMachine = this.nodes.filter((node) => node.machine === ownUid && node.uid !== from);
    this.#sendOrLog({ node: from }, announcementOf(ofMachine.length > 0 ? ofMachine : [this.#self()], false));
  }

  #takeRequest(from: string, request: Request): void {
    const answer = (): void => void this.#answer(from, request);
    if (this.#calls !== undefined) answer();
    else if (this.#waiting.length < MAX_WAITING_REQUESTS) this.#waiting.push(answer);
    else
      this.#reply(from, request.id, {
        case: "failure",
        value: encodeFailure(clientError("internal", new Error("too many calls wait for the node to start"))),
      });
  }

  async #answer(from: string, { id, call, argument }: Request): Promise<void> {
    try {
      const result = await this.#run(call, argument);
      this.#reply(from, id, { case: "result", value: result });
    } catch (error) {
      const { logger } = this.#options;
      reportBugs(error, { logger, message: "call of another node failed", fields: { node: from, call } });
      this.#reply(from, id, { case: "failure", value: encodeFailure(error) });
    }
  }

  async #run(call: string, argument: Uint8Array): Promise<Uint8Array> {
    if (!isNodeCall(call)) throw new Error(`a node has asked for ${call}, which this version does not know`);
    return this.#runKnown(call, argument);
  }

  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- ties the call to its codecs
  async #runKnown<Name extends NodeCallName>(name: Name, bytes: Uint8Array): Promise<Uint8Array> {
    const { argument, answer } = NODE_CALLS[name];
    return answer.encode(await this.#callOwn(name, argument.decode(bytes)));
  }

  #takeAnswer(from: string, { id, outcome }: Answer): void {
    const answer = outcome.case === "failure" ? decodeFailure(outcome.value) : (outcome.value ?? NOTHING);
    this.#surveys.answered(Number(id), from, answer);
  }

  #reply(to: string, id: bigint, outcome: Outcome): void {
    this.#sendOrLog({ node: to }, { case: "answer", value: { id, outcome } });
  }

  #gone(uid: string): void {
    if (this.#registry.remove(uid)) this.#surveys.gone(uid);
  }

  #beat({ timeoutMs }: ClusterHeartbeat): void {
    this.#sendOrLog("all", announcementOf([this.#self()], false));
    for (const { uid, name } of this.#registry.silentFor(timeoutMs)) {
      this.#options.logger.warn({ node: uid, name }, "node has not been heard of and is taken for gone");
      this.#gone(uid);
    }
  }

  #sendOrLog(to: BusAddress, body: Body): void {
    this.#send(to, body).catch((err: unknown) => {
      this.#options.logger.warn({ err }, "message to other nodes not sent");
    });
  }

  async #send(to: BusAddress, body: Body): Promise<void> {
    this.#sent.add(1);
    const envelope = create(EnvelopeSchema, { from: this.#options.uid, body });
    await this.#options.bus.send(to, toBinary(EnvelopeSchema, envelope));
  }

  #logMissing(uid: string, call: NodeCallName): void {
    const name = this.#registry.get(uid)?.name;
    this.#options.logger.warn({ node: uid, name, call }, "node has not answered in time and is left out");
  }
}

type Body = NonNullable<MessageInitShape<typeof EnvelopeSchema>["body"]>;
type Outcome = NonNullable<MessageInitShape<typeof AnswerSchema>["outcome"]>;

/** The sum of what all have answered. */
export function sumOf(answers: readonly NodeAnswer<number>[]): number {
  return answers.reduce((sum, { value }) => sum + value, 0);
}

const NOTHING = new Uint8Array(0);

function announcementOf(entries: readonly NodeEntry[], asks: boolean): Body {
  const nodes = entries.map(({ uptimeSec, ...entry }) => ({ ...entry, uptime: uptimeSec }));
  return { case: "announcement", value: { nodes, asks } };
}

function entryOf({ uid, machine, name, version, uptime }: Node): NodeEntry {
  return { uid, machine, name, version, uptimeSec: uptime };
}

function isNodeCall(name: string): name is NodeCallName {
  return Object.hasOwn(NODE_CALLS, name);
}
