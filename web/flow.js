// Wires between the parts of the page, and what moves along them.

const SVG = "http://www.w3.org/2000/svg";
const MOVE_MS = 900;
const LIGHT_MS = 600;
/** Under way to one target at most: a busy channel needs no more of them to look busy. */
const MAX_MOVING = 6;

/** @typedef {{ target: HTMLElement, wire: SVGPathElement, moving: number }} End */

/** The data path: from one source by way of one channel to several targets. */
export class Flow {
  /** @type {HTMLElement} */
  #stage;
  #svg = document.createElementNS(SVG, "svg");
  #source;
  #channel;
  /** @type {Map<string, End>} */
  #ends = new Map();
  #keepsStill = matchMedia("(prefers-reduced-motion: reduce)");

  /**
   * @param {HTMLElement} stage What all of it stands in.
   * @param {HTMLElement} source
   * @param {HTMLElement} channel
   */
  constructor(stage, source, channel) {
    this.#stage = stage;
    this.#source = source;
    this.#channel = channel;
    this.#svg.classList.add("wires");
    this.#svg.setAttribute("aria-hidden", "true");
    stage.prepend(this.#svg);
    new ResizeObserver(() => this.#draw()).observe(stage);
  }

  /**
   * @param {string} name
   * @param {HTMLElement} target
   */
  connect(name, target) {
    const wire = document.createElementNS(SVG, "path");
    this.#svg.append(wire);
    this.#ends.set(name, { target, wire, moving: 0 });
    this.#draw();
  }

  /**
   * Shows whether anything can come this way.
   *
   * @param {string} name
   * @param {boolean} isLive
   */
  setLive(name, isLive) {
    this.#ends.get(name)?.wire.classList.toggle("live", isLive);
  }

  /**
   * Moves a dot to a target, which then lights up. There the dot is left out where the user wants things to keep still,
   * and all of it where so much is under way already that more would not show.
   *
   * @param {string} name
   */
  async move(name) {
    const end = this.#ends.get(name);
    if (end === undefined || end.moving >= MAX_MOVING || document.hidden) return;
    end.moving += 1;
    if (!this.#keepsStill.matches) await this.#moveDot(end.wire);
    await end.target.animate({ borderColor: ["var(--accent)", "var(--border)"] }, LIGHT_MS).finished;
    end.moving -= 1;
  }

  /** @param {SVGPathElement} wire */
  async #moveDot(wire) {
    const dot = document.createElement("span");
    dot.className = "dot";
    dot.style.offsetPath = `path("${wire.getAttribute("d")}")`;
    this.#stage.append(dot);
    await dot.animate({ offsetDistance: ["0%", "100%"] }, { duration: MOVE_MS, easing: "ease-in-out" })
      .finished;
    dot.remove();
  }

  #draw() {
    const stage = this.#stage.getBoundingClientRect();
    const source = this.#source.getBoundingClientRect();
    const channel = this.#channel.getBoundingClientRect();
    this.#svg.setAttribute("viewBox", `0 0 ${stage.width} ${stage.height}`);
    const isRow = channel.left >= source.right;
    for (const { target, wire } of this.#ends.values()) {
      const end = target.getBoundingClientRect();
      const path = isRow ? pathInRow(source, channel, end, stage) : pathInColumn(source, end, stage);
      wire.setAttribute("d", path);
    }
  }
}

/**
 * @param {DOMRect} source
 * @param {DOMRect} channel
 * @param {DOMRect} target
 * @param {DOMRect} stage
 */
function pathInRow(source, channel, target, stage) {
  const y = channel.top + channel.height / 2 - stage.top;
  const fromX = channel.right - stage.left;
  const toX = target.left - stage.left;
  const toY = target.top + target.height / 2 - stage.top;
  const middleX = (fromX + toX) / 2;
  const bend = `C ${middleX} ${y} ${middleX} ${toY} ${toX} ${toY}`;
  return `M ${source.right - stage.left} ${y} L ${fromX} ${y} ${bend}`;
}

/**
 * @param {DOMRect} source
 * @param {DOMRect} target
 * @param {DOMRect} stage
 */
function pathInColumn(source, target, stage) {
  const x = source.left + source.width / 2 - stage.left;
  return `M ${x} ${source.bottom - stage.top} L ${x} ${target.top - stage.top}`;
}
