import type { Duplex } from "node:stream";
import { deserialize, serialize } from "node:v8";
import { FRAME_MARK_BYTES, LinkReader, LENGTH_BYTES } from "./link-reader.ts";
import { beatsOf, Heartbeat, type HeartbeatClock } from "./heartbeat.ts";

/** The calls of one side of a link, by name. Arguments and results are copied as `structuredClone` does. */
// oxlint-disable-next-line typescript/no-explicit-any -- parameters of every kind of call
export type Calls<T> = { readonly [Name in keyof T]: (...args: any[]) => unknown };

/** What both sides of a link need to agree on, and what happens when it ends. */
export interface LinkOptions<Own> {
  /** Answers the calls of the other side. */
  readonly calls: Own;
  /** An error as it travels, and back. */
  readonly encodeError: (error: unknown) => Uint8Array;
  readonly decodeError: (bytes: Uint8Array) => Error;
  /** A notification failed on this side: there is nobody to tell. */
  readonly onError: (error: unknown) => void;
  /** Takes frames that are no messages, which `sendFrame` has sent: bytes that begin with a zero. */
  readonly onFrame?: (frame: Buffer) => void;
  /** The other side is gone, or has been given up. Called once. */
  readonly onClose: (reason: LinkEnd) => void;
  readonly clock: HeartbeatClock;
  readonly limits: LinkLimits;
}

/** What one side bears of the other one. */
export interface LinkLimits {
  /** Bytes that may wait for the other side to read; beyond that it is given up. */
  readonly maxBufferedBytes: number;
  /** How long nothing may come from the other side, which sends something every second, until it is given up. */
  readonly silenceTimeoutMs: number;
  /** How long the answer to a call may take. */
  readonly callTimeoutMs: number;
}

/** Why a link is over: the other side has ended it, was silent for too long, or has left too much unread. */
export type LinkEnd = "ended" | "silent" | "unread";

/** The other side was gone before it answered. */
export class LinkClosed extends Error {
  override readonly name = "LinkClosed";
}

/** The other side has not answered in time. Whether it has done what it was called for is not known. */
export class LinkTimeout extends Error {
  override readonly name = "LinkTimeout";
}

const [NOTIFICATION, CALL, RESULT, FAILURE] = [0, 1, 2, 3];

interface PendingCall {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
  /** Called so; for the error. */
  readonly name: string;
  /** Number of the beat at which it is given up. */
  readonly lastBeat: number;
}

/** Bytes in front of what `headFrame` makes a frame of. */
export const FRAME_HEAD_BYTES: number = LENGTH_BYTES + FRAME_MARK_BYTES;

/** A frame without content: a sign of life. */
const HEARTBEAT: EncodedFrame = [Buffer.alloc(LENGTH_BYTES)];

/** A frame with its length in front, in parts, ready to be sent to any number of links. */
export type EncodedFrame = readonly Buffer[];

/**
 * Calls between two processes over a stream of bytes that they share.
 *
 * Messages arrive in the order in which they were made, and what is made in one turn goes out in one write. `Own` are
 * the calls that this side answers, `Other` those of the other side.
 */
export class MessageLink<Own extends Calls<Own>, Other extends Calls<Other>> {
  readonly #stream: Duplex;
  readonly #options: LinkOptions<Own>;
  readonly #pending = new Map<number, PendingCall>();
  readonly #heartbeat: Heartbeat;
  #beats = 0;
  #lastId = 0;
  #isCorked = false;
  #isClosed = false;
  #end: LinkEnd = "ended";
  readonly #uncork = (): void => {
    this.#isCorked = false;
    this.#stream.uncork();
  };

  constructor(stream: Duplex, options: LinkOptions<Own>) {
    this.#stream = stream;
    this.#options = options;
    this.#heartbeat = new Heartbeat({
      clock: options.clock,
      silenceTimeoutMs: options.limits.silenceTimeoutMs,
      onBeat: () => this.#beat(),
      onSilence: () => this.#giveUp("silent"),
    });
    const reader = new LinkReader((frame) => {
      if (frame.length === 0) return;
      // What structured cloning makes begins with 0xff.
      if (frame[0] === 0) this.#options.onFrame?.(frame);
      else this.#receive(deserialize(frame) as Message);
    });
    stream.on("data", (chunk: Buffer) => {
      this.#heartbeat.heard();
      reader.push(chunk);
    });
    // The close event follows.
    stream.on("error", () => undefined);
    stream.on("end", () => stream.destroy());
    stream.on("close", () => this.#closed());
  }

  /** Calls the other side. Rejects with its error, with LinkClosed and with LinkTimeout. */
  call<Name extends keyof Other & string>(
    name: Name,
    ...args: Parameters<Other[Name]>
  ): Promise<Awaited<ReturnType<Other[Name]>>> {
    return this.callWithin(this.#options.limits.callTimeoutMs, name, ...args);
  }

  /** The same with a time-out of its own; Infinity for as long as the link lasts. */
  callWithin<Name extends keyof Other & string>(
    timeoutMs: number,
    name: Name,
    ...args: Parameters<Other[Name]>
  ): Promise<Awaited<ReturnType<Other[Name]>>> {
    if (this.#isClosed) return Promise.reject(new LinkClosed(name));
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      const encoded = encode([CALL, id, name, args]);
      // The other side answers with what its call returns.
      const lastBeat = this.#beats + beatsOf(timeoutMs);
      this.#pending.set(id, { resolve: resolve as (result: unknown) => void, reject, name, lastBeat });
      this.#send(encoded);
    });
  }

  /** Calls the other side without waiting for an answer. */
  notify<Name extends keyof Other & string>(name: Name, ...args: Parameters<Other[Name]>): void {
    this.#send(encode([NOTIFICATION, 0, name, args]));
  }

  /** Sends bytes of one's own, as `headFrame` has made them. */
  sendFrame(frame: EncodedFrame): void {
    this.#send(frame);
  }

  #beat(): void {
    this.#beats += 1;
    for (const [id, { reject, name, lastBeat }] of this.#pending) {
      if (this.#beats <= lastBeat) continue;
      this.#pending.delete(id);
      reject(new LinkTimeout(`${name} has not been answered in time`));
    }
    this.#send(HEARTBEAT);
  }

  #giveUp(reason: LinkEnd): void {
    this.#end = reason;
    this.#stream.destroy();
  }

  #send(frame: EncodedFrame): void {
    if (this.#isClosed) return;
    if (!this.#isCorked) {
      this.#isCorked = true;
      this.#stream.cork();
      process.nextTick(this.#uncork);
    }
    for (const part of frame) this.#stream.write(part);
    if (this.#stream.writableLength > this.#options.limits.maxBufferedBytes) this.#giveUp("unread");
  }

  #receive([kind, id, name, content]: Message): void {
    if (kind === CALL) this.#answer(id, name, content);
    else if (kind === NOTIFICATION) this.#take(name, content);
    else this.#settle(kind, id, content);
  }

  /** What is known at once is answered at once: nothing that happens later overtakes it. */
  #answer(id: number, name: string, args: unknown): void {
    try {
      const result = this.#run(name, args);
      if (!(result instanceof Promise)) return this.#reply(RESULT, id, result);
      result.then(
        (value: unknown) => this.#reply(RESULT, id, value),
        (error: unknown) => this.#fail(id, error),
      );
    } catch (error) {
      this.#fail(id, error);
    }
  }

  #take(name: string, args: unknown): void {
    const { onError } = this.#options;
    try {
      const result = this.#run(name, args);
      if (result instanceof Promise) result.catch(onError);
    } catch (error) {
      onError(error);
    }
  }

  /** Runs up to its first wait at once, so that what comes in order happens in order. */
  #run(name: string, args: unknown): unknown {
    const call = this.#options.calls[name as keyof Own];
    return call(...(args as Parameters<typeof call>));
  }

  #reply(kind: number, id: number, content: unknown): void {
    let encoded: EncodedFrame;
    try {
      encoded = encode([kind, id, "", content]);
    } catch (error) {
      encoded = encode([FAILURE, id, "", this.#options.encodeError(error)]);
    }
    this.#send(encoded);
  }

  #fail(id: number, error: unknown): void {
    this.#reply(FAILURE, id, this.#options.encodeError(error));
  }

  #settle(kind: number, id: number, content: unknown): void {
    const call = this.#pending.get(id);
    if (call === undefined) return;
    this.#pending.delete(id);
    if (kind === RESULT) call.resolve(content);
    else call.reject(this.#options.decodeError(content as Uint8Array));
  }

  #closed(): void {
    this.#isClosed = true;
    this.#heartbeat.stop();
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of pending) reject(new LinkClosed("the other side is gone"));
    this.#options.onClose(this.#end);
  }
}

/** Kind, number of the call, name of the call, and its arguments, result or error. */
type Message = readonly [kind: number, id: number, name: string, content: unknown];

/**
 * Makes a frame of bytes that have `FRAME_HEAD_BYTES` in front for that, for `sendFrame`. The other side's `onFrame` gets
 * them with the mark, without the length.
 */
export function headFrame(bytes: Buffer): Buffer {
  bytes.writeUInt32LE(bytes.length - LENGTH_BYTES, 0);
  bytes.writeUInt8(0, LENGTH_BYTES);
  return bytes;
}

function encode(message: readonly unknown[]): EncodedFrame {
  const body = serialize(message);
  const length = Buffer.allocUnsafe(LENGTH_BYTES);
  length.writeUInt32LE(body.length);
  return [length, body];
}
