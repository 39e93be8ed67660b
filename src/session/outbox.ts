import type { DeliverySchedule, PendingDeliveries, PushBatch } from "../core/push.ts";
import type { Transport } from "../core/transport.ts";
import type { WireFormat } from "../core/wire-format.ts";
import { type FrameKind, FrameSequence } from "./frame-sequence.ts";
import type { Traffic } from "./traffic.ts";

/**
 * Who has something to write at the end of this turn of the event loop. One per server.
 *
 * Broadcasting only appends to outboxes; the flush writes each of them once.
 */
export class FlushList implements DeliverySchedule {
  #dirty: Outbox[] = [];
  #root = FrameSequence.empty();
  #pending: PendingDeliveries | undefined;
  #isScheduled = false;
  readonly #flush = (): void => this.flush();
  readonly #traffic: Traffic | undefined;
  /** Sequences of frames that have been written since the last flush, and by which transport. */
  #written: (readonly [sequence: FrameSequence, transport: string])[] = [];

  /** Counts what is written as `traffic`, if that is given. */
  constructor(traffic?: Traffic) {
    this.#traffic = traffic;
  }

  /** Start of every sequence of frames in this turn. */
  get root(): FrameSequence {
    return this.#root;
  }

  /** Has the outbox flushed when the turn ends. */
  add(outbox: Outbox): void {
    this.#dirty.push(outbox);
    this.#schedule();
  }

  defer(pending: PendingDeliveries): void {
    this.#pending = pending;
    this.#schedule();
  }

  /** Has pending deliveries made: they were first before anything that is queued or written now. */
  flushPending(): void {
    const pending = this.#pending;
    if (pending === undefined) return;
    this.#pending = undefined;
    pending.flushPending();
  }

  /** Writes every dirty outbox now. */
  flush(): void {
    this.flushPending();
    this.#isScheduled = false;
    const dirty = this.#dirty;
    this.#dirty = [];
    this.#root = FrameSequence.empty();
    for (const outbox of dirty) outbox.flush();
    this.#countWritten();
  }

  /** A transport has got the frames of a sequence. Each sequence is looked at once, however many have written it. */
  wrote(sequence: FrameSequence, transport: Transport): void {
    if (this.#traffic === undefined) return;
    sequence.writeCount += 1;
    if (sequence.writeCount === 1) this.#written.push([sequence, transport.name]);
  }

  #countWritten(): void {
    if (this.#written.length === 0) return;
    for (const [sequence, transport] of this.#written) this.#traffic?.count(sequence, transport);
    this.#written = [];
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#flush);
  }
}

/**
 * The bounded queue of framed bytes of one session.
 *
 * Deliveries that are pending go into it before anything else does, and before it is flushed: whoever sends need not
 * think of them. What the transport has not handed to the operating system counts against the same limit, so a client
 * that does not read is found out by its first push beyond it.
 */
export class Outbox {
  readonly #transport: Transport;
  readonly #flushList: FlushList;
  #maxBytes: number;
  #queued: FrameSequence | undefined;
  /**
   * What may be queued, by what waited in the transport when it was last asked. What waits there gets less until the
   * next flush, so the transport is asked only then, and when there is too little room.
   */
  #roomBytes = 0;

  /** `maxBytes` of 0 or less means no limit. */
  constructor(transport: Transport, flushList: FlushList, maxBytes: number) {
    this.#transport = transport;
    this.#flushList = flushList;
    this.#maxBytes = maxBytes > 0 ? maxBytes : Number.MAX_SAFE_INTEGER;
  }

  /** Queues a frame for the end of the turn; returns false, and queues nothing, where it would exceed the limit. */
  enqueue(frame: Uint8Array, kind: FrameKind = "reply"): boolean {
    return this.#extendTo(this.#end.append(frame, kind));
  }

  /** Queues the frames of a batch like `enqueue`; returns false, and queues nothing, where not all of them can be. */
  enqueueBatch(batch: PushBatch, format: WireFormat): boolean {
    const end = this.#end.appendBatch(batch, format);
    return end !== undefined && this.#extendTo(end);
  }

  /** Whether so many bytes more would be within the limit. */
  hasRoomFor(byteLength: number): boolean {
    return this.#end.byteLength + byteLength <= this.#askForRoom();
  }

  /** Hands everything queued to the transport in one write. */
  flush(): void {
    this.#flushList.flushPending();
    const queued = this.#queued;
    if (queued === undefined) return;
    this.#queued = undefined;
    this.#transport.write(queued.bytes(this.#transport.format));
    this.#flushList.wrote(queued, this.#transport);
    this.#askForRoom();
  }

  /** Forgets everything queued; from now on there is room for nothing. */
  close(): void {
    this.#queued = undefined;
    this.#maxBytes = NO_ROOM;
    this.#roomBytes = NO_ROOM;
  }

  /** What is queued, with what was pending. */
  get #end(): FrameSequence {
    this.#flushList.flushPending();
    return this.#queued ?? this.#flushList.root;
  }

  /** Queues what leads to a sequence from here; returns false where it exceeds the limit. */
  #extendTo(end: FrameSequence): boolean {
    if (end.byteLength > this.#roomBytes && end.byteLength > this.#askForRoom()) return false;
    if (this.#queued === undefined) this.#flushList.add(this);
    this.#queued = end;
    return true;
  }

  #askForRoom(): number {
    this.#roomBytes = this.#maxBytes - this.#transport.bufferedBytes;
    return this.#roomBytes;
  }
}

/** Less than nothing takes. */
const NO_ROOM = -1;
