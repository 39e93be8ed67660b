import type { DeliverySchedule, PendingDeliveries, PushRow } from "../core/push-row.ts";
import type { Transport } from "../core/transport.ts";
import type { WireFormat } from "../core/wire-format.ts";
import { FrameSequence } from "./frame-sequence.ts";

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

  /** Start of every row of frames in this turn. */
  get root(): FrameSequence {
    return this.#root;
  }

  /** Has the outbox flushed when the turn ends. */
  add(outbox: Outbox): void {
    this.#dirty.push(outbox);
    this.#schedule();
  }

  expect(pending: PendingDeliveries): void {
    this.#pending = pending;
    this.#schedule();
  }

  /** To be called before anything is queued that does not come from pending deliveries: these were first. */
  settle(): void {
    const pending = this.#pending;
    if (pending === undefined) return;
    this.#pending = undefined;
    pending.settle();
  }

  /** Writes every dirty outbox now. */
  flush(): void {
    this.settle();
    this.#isScheduled = false;
    const dirty = this.#dirty;
    this.#dirty = [];
    this.#root = FrameSequence.empty();
    for (const outbox of dirty) outbox.flush();
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
 * What the transport has not handed to the operating system counts against the same limit, so a client that
 * does not read is found out by its first push beyond it.
 */
export class Outbox {
  readonly #transport: Transport;
  readonly #flushList: FlushList;
  readonly #maxBytes: number;
  #pending: FrameSequence | undefined;
  /**
   * What may be pending, by what waited in the transport when it was last asked. What waits there gets less until the
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
  enqueue(frame: Uint8Array): boolean {
    const pending = this.#pending;
    const next = (pending ?? this.#flushList.root).append(frame);
    if (next.byteLength > this.#roomBytes && next.byteLength > this.#askForRoom()) return false;
    this.#pending = next;
    if (pending === undefined) this.#flushList.add(this);
    return true;
  }

  /** Queues the frames of a row like `enqueue`; returns false, and queues nothing, where not all of them can be. */
  enqueueRow(row: PushRow, format: WireFormat): boolean {
    const pending = this.#pending;
    const next = (pending ?? this.#flushList.root).appendRow(row, format);
    if (next === undefined) return false;
    if (next.byteLength > this.#roomBytes && next.byteLength > this.#askForRoom()) return false;
    this.#pending = next;
    if (pending === undefined) this.#flushList.add(this);
    return true;
  }

  /** Whether so many bytes more would be within the limit. */
  hasRoomFor(byteLength: number): boolean {
    return (this.#pending?.byteLength ?? 0) + byteLength <= this.#askForRoom();
  }

  /** Hands everything queued to the transport in one write. */
  flush(): void {
    const pending = this.#pending;
    if (pending === undefined) return;
    this.#pending = undefined;
    this.#transport.write(pending.bytes(this.#transport.format));
    this.#askForRoom();
  }

  /** Forgets everything queued. */
  clear(): void {
    this.#pending = undefined;
  }

  #askForRoom(): number {
    this.#roomBytes = this.#maxBytes - this.#transport.bufferedBytes;
    return this.#roomBytes;
  }
}
