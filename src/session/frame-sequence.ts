import type { Push, PushBatch } from "../core/push.ts";
import { NOTHING, type WireFormat } from "../core/wire-format.ts";

/** What is in a frame: a push, a message in a protocol's own words, or the id of the event behind it. */
export type FrameKind = Push["type"] | "reply" | "eventId";

/**
 * Frames that one or many outboxes hold, in their order, as a path in a trie.
 *
 * Outboxes that received the same frames in the same order are at the same node, so the bytes for all of them
 * are joined once and shared. A trie lives for one turn of the event loop. Frames belong to one wire format
 * (they are cached per format), hence so does every path.
 */
export class FrameSequence {
  readonly #parent: FrameSequence | undefined;
  readonly #frame: Uint8Array | undefined;
  readonly #kind: FrameKind;
  /** Frames in the sequence. */
  readonly count: number;
  /** Sum of the frames' lengths, in bytes. */
  readonly byteLength: number;
  /** How many outboxes have written the sequence. */
  writeCount = 0;
  /** Most nodes have one child: all sessions receive the same next frame. */
  #lastChild: FrameSequence | undefined;
  #children: Map<Uint8Array, FrameSequence> | undefined;
  #joined: Uint8Array | undefined;
  /** What the last batch led to: the same for all sessions that stand here. */
  #batch: PushBatch | undefined;
  #batchFormat: WireFormat | undefined;
  #batchEnd: FrameSequence | undefined;

  private constructor(parent: FrameSequence | undefined, frame: Uint8Array | undefined, kind: FrameKind) {
    this.#parent = parent;
    this.#frame = frame;
    this.#kind = kind;
    this.count = parent === undefined ? 0 : parent.count + 1;
    this.byteLength = (parent?.byteLength ?? 0) + (frame?.byteLength ?? 0);
  }

  /** The empty sequence: the root of a new trie. */
  static empty(): FrameSequence {
    return new FrameSequence(undefined, undefined, "reply");
  }

  /** The sequence with one more frame at its end. */
  append(frame: Uint8Array, kind: FrameKind = "reply"): FrameSequence {
    const last = this.#lastChild;
    if (last !== undefined && last.#frame === frame) return last;
    return this.#branch(frame, kind, last);
  }

  /** The sequence with the frames of a batch at its end; undefined where one of its pushes has no frame. */
  appendBatch(batch: PushBatch, format: WireFormat): FrameSequence | undefined {
    if (this.#batch === batch && this.#batchFormat === format) return this.#batchEnd;
    this.#batch = batch;
    this.#batchFormat = format;
    this.#batchEnd = appendAll(this, batch, format);
    return this.#batchEnd;
  }

  /** The bytes of the whole sequence, joined by the format on first demand. */
  bytes(format: WireFormat): Uint8Array {
    if (this.count === 1 && this.#frame !== undefined) return this.#frame;
    this.#joined ??= format.join(this.#frames());
    return this.#joined;
  }

  /** Calls back for each frame, the last one first. */
  forEach(visit: (frame: Uint8Array, kind: FrameKind) => void): void {
    if (this.#frame !== undefined) visit(this.#frame, this.#kind);
    for (let at = this.#parent; at !== undefined && at.#frame !== undefined; at = at.#parent) {
      visit(at.#frame, at.#kind);
    }
  }

  #branch(frame: Uint8Array, kind: FrameKind, last: FrameSequence | undefined): FrameSequence {
    if (last !== undefined && this.#children === undefined && last.#frame !== undefined) {
      this.#children = new Map([[last.#frame, last]]);
    }
    let child = this.#children?.get(frame);
    if (child === undefined) {
      child = new FrameSequence(this, frame, kind);
      this.#children?.set(frame, child);
    }
    this.#lastChild = child;
    return child;
  }

  #frames(): Uint8Array[] {
    const frames = new Array<Uint8Array>(this.count);
    if (this.#frame !== undefined) frames[this.count - 1] = this.#frame;
    for (let at = this.#parent; at !== undefined && at.#frame !== undefined; at = at.#parent) {
      frames[at.count - 1] = at.#frame;
    }
    return frames;
  }
}

function appendAll(
  start: FrameSequence,
  { pushes }: PushBatch,
  format: WireFormat,
): FrameSequence | undefined {
  let end = start;
  for (const push of pushes) {
    const frame = push.frameFor(format);
    if (frame === undefined || frame === NOTHING) return undefined;
    end = end.append(frame, push.push.type);
  }
  return end;
}
