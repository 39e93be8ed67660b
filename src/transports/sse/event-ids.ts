import type { StreamPosition } from "../../core/publication.ts";
import type { EventIds } from "../../core/transport.ts";
import { type BodyFraming, frameBody } from "../../http/response-stream.ts";

/** Ids remembered, so that sessions which stand at the same positions share their bytes. */
const MAX_CACHED_IDS = 1024;
/**
 * Longer ids are left empty, which has the browser forget the one before: proxies refuse long request headers, and
 * an `EventSource` that is refused gives up for good.
 */
const MAX_ID_LENGTH = 4096;
/** Channel names remembered in their encoded form. */
const MAX_CACHED_NAMES = 10_000;

/**
 * Event ids that say where a connection stands in the channels it can recover: `news=AbCdEfGh.12&…`, names
 * and epochs URL-encoded.
 *
 * A browser sends the last one it saw as `Last-Event-ID` when it reconnects (WHATWG HTML §9.2), with no code on
 * the page. An id grows with the number of recoverable channels, by their names and about 15 bytes each; beyond
 * 4 KiB the connection goes without.
 */
export class SseEventIds implements EventIds {
  readonly #framing: BodyFraming;
  readonly #lines = new Map<string, Uint8Array>();

  constructor(framing: BodyFraming) {
    this.#framing = framing;
  }

  eventIdOf(positions: ReadonlyMap<string, StreamPosition>): Uint8Array {
    const id = formatEventId(positions);
    let line = this.#lines.get(id);
    if (line === undefined) {
      line = frameBody(Buffer.from(id.length > MAX_ID_LENGTH ? "id:\n" : `id: ${id}\n`), this.#framing);
      if (this.#lines.size >= MAX_CACHED_IDS) this.#lines.clear();
      this.#lines.set(id, line);
    }
    return line;
  }
}

/** Positions as an event id: one line of printable ASCII. */
export function formatEventId(positions: ReadonlyMap<string, StreamPosition>): string {
  let id = "";
  for (const [channel, { offset, epoch }] of positions) {
    if (id !== "") id += "&";
    id += `${encodeName(channel)}=${encodeName(epoch)}.${offset}`;
  }
  return id;
}

const encodedNames = new Map<string, string>();

/** Encoding takes longer than everything else about an id, and the same few names come again and again. */
function encodeName(name: string): string {
  let encoded = encodedNames.get(name);
  if (encoded === undefined) {
    encoded = encodeURIComponent(name.toWellFormed());
    if (encodedNames.size >= MAX_CACHED_NAMES) encodedNames.clear();
    encodedNames.set(name, encoded);
  }
  return encoded;
}

/** Epoch and offset. */
const POSITION = /^(?<epoch>.*)\.(?<offset>\d+)$/su;

/** The positions of an event id; whatever is not one is left out. */
export function parseEventId(id: string): Map<string, StreamPosition> {
  const positions = new Map<string, StreamPosition>();
  for (const [channel, value] of new URLSearchParams(id.replaceAll("+", "%2B"))) {
    const { epoch, offset } = POSITION.exec(value)?.groups ?? {};
    if (epoch === undefined || !Number.isSafeInteger(Number(offset))) continue;
    positions.set(channel, { offset: Number(offset), epoch });
  }
  return positions;
}
