import type { Push } from "./push.ts";
import type { WireFormat } from "./wire-format.ts";

/**
 * A push with its framed bytes, computed for a wire format on first demand and shared by all sessions of it.
 *
 * A server has a handful of formats, so a short list with its last hit in front beats a map.
 */
export class EncodedPush {
  readonly push: Push;
  #lastFormat: WireFormat | undefined;
  #lastFrame: Uint8Array | undefined;
  #formats: WireFormat[] | undefined;
  #frames: (Uint8Array | undefined)[] | undefined;

  constructor(push: Push) {
    this.push = push;
  }

  /** The frame for a format; `NOTHING` where there is nothing to be said, undefined when its encoding cannot carry the push. */
  frameFor(format: WireFormat): Uint8Array | undefined {
    if (this.#lastFormat === format) return this.#lastFrame;
    return this.#switchTo(format);
  }

  #switchTo(format: WireFormat): Uint8Array | undefined {
    this.#formats ??= [];
    this.#frames ??= [];
    let at = this.#formats.indexOf(format);
    if (at < 0) {
      at = this.#formats.push(format) - 1;
      this.#frames.push(format.encode(this.push));
    }
    this.#lastFormat = format;
    this.#lastFrame = this.#frames[at];
    return this.#lastFrame;
  }
}
