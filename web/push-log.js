// The table of what has come, the newest on top.

/**
 * @typedef {object} Entry
 * @property {Date} at
 * @property {string} transport Its title.
 * @property {import("./listener.js").Push} push
 * @property {number | undefined} tookMs
 */

/** Rows kept; older ones go. */
const MAX_ROWS = 100;
/** Pushes that come within this time are shown together: a busy channel leaves the page usable. */
const PAINT_MS = 100;
const KIND_TITLES = new Map([["pub", "publication"]]);

export class PushLog {
  /** @type {HTMLTableSectionElement} */
  #body;
  #onChange;
  /** @type {Entry[]} */
  #waiting = [];
  #isAll = true;

  /**
   * @param {HTMLTableSectionElement} body
   * @param {(rows: number, isAll: boolean) => void} onChange Hears how many rows there are, and whether any have gone.
   */
  constructor(body, onChange) {
    this.#body = body;
    this.#onChange = onChange;
  }

  /** @param {Entry} entry */
  add(entry) {
    if (this.#waiting.length === 0) setTimeout(() => this.#paint(), PAINT_MS);
    this.#waiting.push(entry);
    if (this.#waiting.length > MAX_ROWS) {
      this.#waiting.shift();
      this.#isAll = false;
    }
  }

  clear() {
    this.#body.replaceChildren();
    this.#isAll = true;
    this.#onChange(0, true);
  }

  #paint() {
    this.#body.prepend(...this.#waiting.toReversed().map(createRow));
    this.#waiting = [];
    while (this.#body.rows.length > MAX_ROWS) {
      this.#body.deleteRow(-1);
      this.#isAll = false;
    }
    this.#onChange(this.#body.rows.length, this.#isAll);
  }
}

/** @param {Entry} entry */
function createRow({ at, transport, push, tookMs }) {
  const [[kind, content] = ["", {}]] = Object.entries(push).filter(([key]) => key !== "channel");
  const shown = push.pub === undefined ? content : push.pub.data;
  const row = document.createElement("tr");
  row.setAttribute("role", "row");
  row.dataset["kind"] = kind;
  row.append(
    createCell("time", formatTime(at)),
    createCell("over", transport),
    createCell("kind", KIND_TITLES.get(kind) ?? kind),
    createCell("channel", push.channel ?? ""),
    createCell("took", tookMs === undefined ? "" : formatMs(tookMs)),
    createCell("data", createDetails(JSON.stringify(shown), push)),
  );
  return row;
}

/**
 * @param {string} name
 * @param {string | Node} content
 */
function createCell(name, content) {
  const cell = document.createElement("td");
  cell.setAttribute("role", "cell");
  cell.className = name;
  cell.append(content);
  return cell;
}

/**
 * @param {string} line
 * @param {unknown} whole Written out once it is wanted.
 */
function createDetails(line, whole) {
  const details = document.createElement("details");
  const summary = document.createElement("summary");
  const pre = document.createElement("pre");
  summary.textContent = line;
  details.addEventListener("toggle", () => (pre.textContent = JSON.stringify(whole, undefined, 2)), {
    once: true,
  });
  details.append(summary, pre);
  return details;
}

/** @param {Date} date */
function formatTime(date) {
  return `${date.toTimeString().slice(0, 8)}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

/** @param {number} ms */
export function formatMs(ms) {
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`;
}
