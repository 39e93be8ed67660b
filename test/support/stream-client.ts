import { applyDelta } from "fossil-delta";
import type { StreamPosition } from "../../src/core/publication.ts";
import type { EventIds } from "../../src/core/transport.ts";
import { frameAll } from "../../src/core/wire-format.ts";
import { jsonEncoding } from "../../src/protocols/centrifugo/uni-protocol.ts";
import { FakeTransport, lineFramer } from "./fake-transport.ts";
import type { TestConnection, TestNode } from "./test-node.ts";

/** How a client listens, and how it comes back. */
export interface StreamClientKind {
  /** `code` asks for recovery by itself; `eventIds` brings the last id along and knows nothing else. */
  readonly returns: "code" | "eventIds";
  readonly delta: boolean;
  /** Its channels recover by their latest publication: what is in between is not missed. */
  readonly cache: boolean;
}

/** A publication of a stream that a client received. */
export interface Received {
  readonly channel: string;
  readonly epoch: string;
  readonly offset: number;
  readonly value: number;
}

const FORMATS = frameAll(jsonEncoding, lineFramer);

/** Event ids as lines of their own. */
const lineIds: EventIds = {
  eventIdOf: (positions) => Buffer.from(`{"id":${JSON.stringify([...positions])}}\n`),
};

/**
 * A client that believes what it is told, and throws when a publication is not the next one after where it was told to
 * stand.
 */
export class StreamClient {
  readonly user: string;
  readonly received: Received[] = [];
  /** Codes with which the server ended its connections. */
  readonly endCodes: number[] = [];
  /** How its attempts to come back ended. */
  readonly returns: { recovered: number; notRecovered: number } = { recovered: 0, notRecovered: 0 };
  readonly #kind: StreamClientKind;
  readonly #test: TestNode;
  #connection: TestConnection | undefined;
  #linesRead = 0;
  /** Its channels; one that it does not listen to is not there. */
  #views = new Map<string, ChannelView>();
  #lastId: ReadonlyMap<string, StreamPosition> = new Map();
  #nextId: ReadonlyMap<string, StreamPosition> | undefined;

  constructor(test: TestNode, user: string, kind: StreamClientKind) {
    this.#test = test;
    this.user = user;
    this.#kind = kind;
  }

  get isConnected(): boolean {
    return this.#connection !== undefined;
  }

  /** Where it stands; undefined where it does not listen. */
  positionIn(channel: string): StreamPosition | undefined {
    return this.#views.get(channel)?.position;
  }

  connect(channels: readonly string[]): void {
    if (this.#connection !== undefined) return;
    const { delta, returns } = this.#kind;
    const transport = new FakeTransport(FORMATS.plain);
    transport.deltaFormats = FORMATS.delta;
    if (returns === "eventIds") transport.eventIds = lineIds;
    const subs = channels.map((channel) => {
      const since = returns === "code" ? this.positionIn(channel) : undefined;
      return [channel, { delta, recover: since !== undefined, ...since }] as const;
    });
    this.#linesRead = 0;
    this.#nextId = undefined;
    this.#connection = this.#test.connect({
      user: this.user,
      subs: Object.fromEntries(subs),
      resumeFrom: this.#lastId,
      transport,
    });
  }

  /** Goes away having read all but the last lines that reached it. */
  leave(unread: number): void {
    this.read(unread);
    this.#connection?.connection.closed();
    this.#connection = undefined;
  }

  /** Reads all but the last lines that have reached it. */
  read(unread = 0): void {
    if (this.#connection === undefined) return;
    const { transport, connection } = this.#connection;
    const { messages } = transport;
    const end = transport.closedWith ?? transport.abortedWith;
    for (const message of messages.slice(
      this.#linesRead,
      Math.max(this.#linesRead, messages.length - unread),
    )) {
      this.#linesRead += 1;
      this.#take(message as Line);
    }
    if (end === undefined || this.#linesRead < messages.length) return;
    this.endCodes.push(end.code);
    connection.closed();
    this.#connection = undefined;
  }

  #take(line: Line): void {
    if (line.id !== undefined) {
      this.#nextId = new Map(line.id);
      return;
    }
    // The id of an event counts once the whole event is there.
    const returnedFrom = this.#lastId;
    this.#lastId = this.#nextId ?? this.#lastId;
    this.#nextId = undefined;
    if (line.connect !== undefined) return this.#start(line.connect.subs ?? {}, returnedFrom);
    const { channel = "" } = line;
    if (line.subscribe !== undefined) this.#views.set(channel, this.#viewOf(channel, line.subscribe));
    if (line.unsubscribe !== undefined) this.#views.delete(channel);
    if (line.pub !== undefined) this.#publication(channel, line.pub);
  }

  #start(subs: Readonly<Record<string, SubJson>>, lastId: ReadonlyMap<string, StreamPosition>): void {
    const before = this.#views;
    this.#views = new Map();
    for (const [channel, sub] of Object.entries(subs)) {
      const stood = before.get(channel);
      const asked = this.#kind.returns === "code" ? stood?.position : lastId.get(channel);
      if (sub.recovered === true && asked !== undefined)
        this.#checkEcho(sub, asked, stood?.position ?? asked);
      if (asked !== undefined) this.returns[sub.recovered === true ? "recovered" : "notRecovered"] += 1;
      if (sub.recovered !== true && sub.publications !== undefined)
        throw new Error("a part of what was missed");
      this.#views.set(channel, this.#viewOf(channel, sub, stood));
      for (const publication of sub.publications ?? []) this.#publication(channel, publication);
    }
  }

  /** Who is recovered goes on from where it stood, and has asked from there. */
  #checkEcho({ offset = 0, epoch = "" }: SubJson, asked: StreamPosition, stood: StreamPosition): void {
    const isFromThere = offset === asked.offset && offset === stood.offset;
    const isSameEpoch = this.#kind.cache || (epoch === asked.epoch && epoch === stood.epoch);
    if (!isFromThere || !isSameEpoch) {
      throw new Error(
        `recovered from ${epoch} ${offset}, asked ${position(asked)}, stood ${position(stood)}`,
      );
    }
  }

  #viewOf(channel: string, sub: SubJson, before?: ChannelView): ChannelView {
    const mayJump = this.#kind.cache && (sub.recovered === true || sub.recoverable === true);
    return new ChannelView(channel, sub, mayJump, before);
  }

  #publication(channel: string, publication: PubJson): void {
    const view = this.#views.get(channel);
    if (view === undefined) throw new Error("a publication outside a subscription");
    const received = view.take(publication);
    if (received !== undefined) this.received.push(received);
  }
}

/** One channel as a client sees it. */
class ChannelView {
  readonly #channel: string;
  #position: StreamPosition;
  /** The next publication may be any. */
  #mayJump: boolean;
  readonly #hasDelta: boolean;
  /** What the next difference applies to. */
  #base: string;
  /** Of the last publication that went past the stream. Those are in order among themselves only. */
  #lastPassed = 0;

  constructor(
    channel: string,
    { offset = 0, epoch = "", delta }: SubJson,
    mayJump: boolean,
    before?: ChannelView,
  ) {
    this.#channel = channel;
    this.#position = { offset, epoch };
    this.#mayJump = mayJump;
    this.#hasDelta = delta === true;
    this.#base = before === undefined ? "" : before.#base;
  }

  get position(): StreamPosition {
    return this.#position;
  }

  /** Undefined for one that went past the stream. */
  take(publication: PubJson): Received | undefined {
    const { n: value } = JSON.parse(this.#textOf(publication)) as { readonly n: number };
    const { offset = 0 } = publication;
    if (offset === 0) {
      if (value <= this.#lastPassed) throw new Error(`value ${value} after ${this.#lastPassed}`);
      this.#lastPassed = value;
      return undefined;
    }
    if (offset !== this.#position.offset + 1 && !this.#mayJump) {
      throw new Error(`publication ${offset} after ${position(this.#position)}`);
    }
    this.#mayJump = false;
    this.#position = { offset, epoch: this.#position.epoch };
    return { channel: this.#channel, ...this.#position, value };
  }

  #textOf({ data, delta }: PubJson): string {
    if (!this.#hasDelta) return JSON.stringify(data);
    if (typeof data !== "string") throw new Error("the payload is no string");
    this.#base = delta === true ? patch(this.#base, data) : data;
    return this.#base;
  }
}

function patch(base: string, delta: string): string {
  return Buffer.from(applyDelta<Uint8Array>(Buffer.from(base), Buffer.from(delta))).toString();
}

function position({ epoch, offset }: StreamPosition): string {
  return `${epoch} ${offset}`;
}

interface SubJson {
  readonly offset?: number;
  readonly epoch?: string;
  readonly recovered?: boolean;
  readonly recoverable?: boolean;
  readonly delta?: boolean;
  readonly publications?: readonly PubJson[];
}

interface PubJson {
  readonly data: unknown;
  readonly offset?: number;
  readonly delta?: boolean;
}

/** A line of what the server writes. */
interface Line {
  readonly id?: readonly (readonly [string, StreamPosition])[];
  readonly channel?: string;
  readonly connect?: { readonly subs?: Readonly<Record<string, SubJson>> };
  readonly subscribe?: SubJson;
  readonly unsubscribe?: object;
  readonly pub?: PubJson;
}
