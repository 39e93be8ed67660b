// Publishing as a backend does, and the same as a line for a terminal.

/** @typedef {import("./session.js").Session} Session */

/** How long a publication of this page is known again, milliseconds. */
const MEMORY_MS = 10_000;

/**
 * The body of a publish request; throws SyntaxError where the data is no JSON. The data stays as it was typed.
 *
 * @param {string} channel
 * @param {string} data
 */
export function publishBody(channel, data) {
  JSON.parse(data);
  return `{"channel":${JSON.stringify(channel)},"data":${data.trim()}}`;
}

/**
 * @param {NonNullable<Session["api"]>} api
 * @param {string} body
 */
export function curlLine({ publish, key }, body) {
  const header = key === "" ? "" : ` -H ${quote(`X-API-Key: ${key}`)}`;
  return `curl ${location.origin}${publish}${header} -d ${quote(body)}`;
}

/** Makes publications, and knows them again. */
export class Publisher {
  #session;
  #refreshSession;
  /** @type {{ channel: string, data: string, atMs: number }[]} */
  #sent = [];

  /**
   * @param {() => Session} session The latest one.
   * @param {() => Promise<Session>} refreshSession
   */
  constructor(session, refreshSession) {
    this.#session = session;
    this.#refreshSession = refreshSession;
  }

  /**
   * Resolves to how long it took, milliseconds; rejects with a sentence.
   *
   * @param {string} channel
   * @param {string} data
   * @returns {Promise<number>}
   */
  async publish(channel, data) {
    const body = publishBody(channel, data);
    const atMs = performance.now();
    this.#sent = this.#sent.filter((sent) => atMs - sent.atMs < MEMORY_MS);
    this.#sent.push({ channel, data: JSON.stringify(JSON.parse(data)), atMs });
    let response = await this.#post(body);
    if (response.status === 401) {
      // Another run of the server has another key.
      await this.#refreshSession();
      response = await this.#post(body);
    }
    if (!response.ok) throw new Error(`HTTP status ${response.status}: ${(await response.text()).trim()}`);
    const { error } = await response.json();
    if (error !== undefined) throw new Error(`Error ${error.code}: ${error.message}`);
    return performance.now() - atMs;
  }

  /**
   * How long ago this page published what has just come, milliseconds; undefined where somebody else did.
   *
   * @param {string} channel
   * @param {unknown} data
   */
  ageOf(channel, data) {
    const text = JSON.stringify(data);
    const nowMs = performance.now();
    const sent = this.#sent.findLast(
      (one) => one.channel === channel && one.data === text && nowMs - one.atMs < MEMORY_MS,
    );
    return sent === undefined ? undefined : nowMs - sent.atMs;
  }

  /** @param {string} body */
  async #post(body) {
    const { api } = this.#session();
    if (api === null) throw new Error("The server API is not on this port.");
    const headers = api.key === "" ? {} : { "X-API-Key": api.key };
    try {
      return await fetch(api.publish, { method: "POST", headers, body });
    } catch (cause) {
      throw new Error("No answer: is the server still running?", { cause });
    }
  }
}

/**
 * Text as one word of a POSIX shell.
 *
 * @param {string} text
 */
function quote(text) {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
