/** What an entry of an expiry queue carries for the queue, so that the queue allocates nothing for it. */
export interface Expiring<Entry> {
  /** Neighbours in the list. */
  previous: Entry | undefined;
  next: Entry | undefined;
  /** Number of the list; -1 while it is in none. */
  list: number;
  /** Tick at which the queue looks at it. */
  dueTick: number;
}

/** Entries that all wait equally long, hence in the order in which they are due. */
interface Waiting<Entry> {
  readonly ticks: number;
  first: Entry | undefined;
  last: Entry | undefined;
}

const TICK_MS = 1000;
/** The longest wait is 2^22 ticks, 48 days. What has more time is looked at in between. */
const LISTS = 23;

/**
 * Millions of deadlines without a timer each.
 *
 * Everybody in list n waits 2^n ticks, so each list is in order of its own accord and a sweep looks at their
 * beginnings only. A long wait is a row of such waits, each begun when the one before is over. To move a
 * deadline further away costs nothing: the queue finds out when it looks.
 */
export class ExpiryQueue<Entry extends Expiring<Entry>> {
  readonly #lists: readonly Waiting<Entry>[];
  readonly #onDue: (entry: Entry, nowMs: number) => number | undefined;
  #size = 0;

  /** `onDue` is told when it may be time and answers when to look again, milliseconds; undefined for never. */
  constructor(onDue: (entry: Entry, nowMs: number) => number | undefined) {
    this.#onDue = onDue;
    this.#lists = Array.from({ length: LISTS }, (_, order) => ({
      ticks: 2 ** order,
      first: undefined,
      last: undefined,
    }));
  }

  get size(): number {
    return this.#size;
  }

  /** Has the entry looked at by `atMs` plus a tick, if that is not to happen anyhow. */
  schedule(entry: Entry, atMs: number, nowMs: number): void {
    if (entry.list >= 0) {
      if (entry.dueTick * TICK_MS <= atMs + TICK_MS) return;
      this.cancel(entry);
    }
    const ticks = Math.max(1, Math.ceil((atMs - nowMs) / TICK_MS));
    const number = Math.min(LISTS - 1, Math.floor(Math.log2(ticks)));
    const list = this.#lists[number];
    if (list === undefined) throw new RangeError("no list for this wait");
    entry.list = number;
    entry.dueTick = tickOf(nowMs) + list.ticks;
    entry.previous = list.last;
    if (list.last === undefined) list.first = entry;
    else list.last.next = entry;
    list.last = entry;
    this.#size += 1;
  }

  /** Forgets the entry. Does nothing when it is not there. */
  cancel(entry: Entry): void {
    const list = this.#lists[entry.list];
    if (list === undefined) return;
    if (entry.previous === undefined) list.first = entry.next;
    else entry.previous.next = entry.next;
    if (entry.next === undefined) list.last = entry.previous;
    else entry.next.previous = entry.previous;
    entry.previous = undefined;
    entry.next = undefined;
    entry.list = -1;
    this.#size -= 1;
  }

  /** Forgets all entries. They must not be used again. */
  clear(): void {
    for (const list of this.#lists) {
      list.first = undefined;
      list.last = undefined;
    }
    this.#size = 0;
  }

  /** Looks at what is due, but at `maxEntries` of them at most; the rest waits for the next sweep. */
  sweep(nowMs: number, maxEntries: number): void {
    const tick = tickOf(nowMs);
    let left = maxEntries;
    // The longest waits end most rarely: served first, they keep nobody else from being served.
    for (let number = LISTS - 1; number >= 0; number--) {
      for (let entry = this.#lists[number]?.first; entry !== undefined; entry = this.#lists[number]?.first) {
        if (entry.dueTick > tick) break;
        if (left-- <= 0) return;
        this.cancel(entry);
        const againAtMs = this.#onDue(entry, nowMs);
        if (againAtMs !== undefined) this.schedule(entry, againAtMs, nowMs);
      }
    }
  }
}

function tickOf(ms: number): number {
  return Math.floor(ms / TICK_MS);
}
