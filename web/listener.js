// One connection over one transport, which comes back when it is lost.

/**
 * @typedef {"sse" | "websocket" | "httpStream"} TransportName
 *
 * @typedef {{ reason: string, isFinal: boolean }} Ending How a connection ended, and whether there is no use in another.
 *
 * @typedef {object} Connecting
 * @property {string} url Without scheme and host.
 * @property {string} request The connect request, as JSON.
 * @property {(message: string) => void} onMessage
 * @property {AbortSignal} signal Ends the connection.
 *
 * @typedef {{ type: "off" | "connecting" | "connected" } | { type: "waiting" | "refused", reason: string }} State
 *
 * @typedef {object} ListenerOptions
 * @property {TransportName} transport
 * @property {(signal: AbortSignal) => Promise<import("./session.js").Session>} openSession
 * @property {(listener: Listener) => void} onChange Hears of every new state.
 * @property {(listener: Listener, push: Push) => void} onPush
 *
 * @typedef {object} Push What the server sends; one of these, or one of the other kinds.
 * @property {string} [channel]
 * @property {unknown} [connect]
 * @property {{ data: unknown }} [pub]
 * @property {{ code: number, reason: string }} [disconnect]
 */

const MIN_RETRY_MS = 500;
const MAX_RETRY_MS = 2000;
const LOST = { reason: "connection lost", isFinal: false };

/** @type {Readonly<Record<TransportName, string>>} */
export const TRANSPORT_TITLES = {
  sse: "Server-Sent Events",
  websocket: "WebSocket",
  httpStream: "HTTP stream",
};

/**
 * Each transport as one would write it without any library; resolves with how the connection ended.
 *
 * @type {Readonly<Record<TransportName, (connecting: Connecting) => Promise<Ending>>>}
 */
const TRANSPORTS = {
  sse({ url, request, onMessage, signal }) {
    return new Promise((resolve) => {
      const source = new EventSource(`${url}?cf_connect=${encodeURIComponent(request)}`);
      const end = () => {
        source.close();
        signal.removeEventListener("abort", end);
        resolve(LOST);
      };
      source.addEventListener("message", ({ data }) => onMessage(data));
      // It would come back by itself, with the token that it had.
      source.addEventListener("error", end);
      signal.addEventListener("abort", end);
    });
  },

  websocket({ url, request, onMessage, signal }) {
    return new Promise((resolve) => {
      const socket = new WebSocket(location.origin.replace("http", "ws") + url);
      const leave = () => socket.close();
      socket.addEventListener("open", () => socket.send(request));
      socket.addEventListener("message", ({ data }) => onMessage(data));
      socket.addEventListener("close", (event) => {
        signal.removeEventListener("abort", leave);
        resolve(endingOf(event));
      });
      signal.addEventListener("abort", leave);
    });
  },

  async httpStream({ url, request, onMessage, signal }) {
    const response = await fetch(url, { method: "POST", body: request, signal });
    if (!response.ok) return { reason: `HTTP status ${response.status}`, isFinal: false };
    const decoder = new TextDecoder();
    let unread = "";
    const reader = response.body?.getReader();
    for (let part = await reader?.read(); part?.value !== undefined; part = await reader?.read()) {
      const lines = (unread + decoder.decode(part.value, { stream: true })).split("\n");
      unread = lines.pop() ?? "";
      for (const line of lines) onMessage(line);
    }
    return LOST;
  },
};

/** A listener that can be switched on and off. */
export class Listener {
  /** @type {State} */
  state = { type: "off" };
  pushCount = 0;
  /** @type {AbortController | undefined} */
  #running;
  #options;

  /** @param {ListenerOptions} options */
  constructor(options) {
    this.#options = options;
  }

  get transport() {
    return this.#options.transport;
  }

  get title() {
    return TRANSPORT_TITLES[this.transport];
  }

  get isOn() {
    return this.#running !== undefined;
  }

  /**
   * Listens to a channel, instead of the one before. Resolves once it is known whether that works at first.
   *
   * @param {string} channel
   * @returns {Promise<void>}
   */
  start(channel) {
    this.#running?.abort();
    this.#running = new AbortController();
    const { signal } = this.#running;
    return new Promise((resolve) => {
      signal.addEventListener("abort", () => resolve());
      void this.#run(channel, signal, resolve);
    });
  }

  stop() {
    this.#running?.abort();
    this.#running = undefined;
    this.#enter({ type: "off" });
  }

  /**
   * @param {string} channel
   * @param {AbortSignal} signal
   * @param {() => void} onSettled
   */
  async #run(channel, signal, onSettled) {
    let retryMs = MIN_RETRY_MS;
    while (!signal.aborted) {
      this.#enter({ type: "connecting" });
      const onConnected = () => {
        retryMs = MIN_RETRY_MS;
        onSettled();
      };
      const ending = await this.#connect(channel, signal, onConnected).catch(endingOfError);
      if (signal.aborted) return;
      onSettled();
      if (ending.isFinal) {
        this.#running = undefined;
        this.#enter({ type: "refused", reason: ending.reason });
        return;
      }
      this.#enter({ type: "waiting", reason: ending.reason });
      await delay(retryMs, signal);
      retryMs = Math.min(retryMs * 2, MAX_RETRY_MS);
    }
  }

  /**
   * @param {string} channel
   * @param {AbortSignal} signal
   * @param {() => void} onConnected
   * @returns {Promise<Ending>}
   */
  async #connect(channel, signal, onConnected) {
    const { token, transports } = await this.#options.openSession(signal);
    const url = transports[this.transport];
    if (url === undefined) return { reason: "this transport is switched off", isFinal: true };
    /** @type {Ending | undefined} */
    let told;
    const ending = await TRANSPORTS[this.transport]({
      url,
      request: JSON.stringify({ ...(token === null ? {} : { token }), subs: { [channel]: {} } }),
      signal,
      onMessage: (message) => {
        /** @type {Push} */
        const push = JSON.parse(message);
        // A ping, or what was on its way when the listener was switched off.
        if (signal.aborted || Object.keys(push).length === 0) return;
        if (push.disconnect !== undefined) told = endingOf(push.disconnect);
        if (push.connect !== undefined) {
          onConnected();
          this.#enter({ type: "connected" });
        }
        this.pushCount += 1;
        this.#options.onPush(this, push);
      },
    });
    return told ?? ending;
  }

  /** @param {State} state */
  #enter(state) {
    this.state = state;
    this.#options.onChange(this);
  }
}

/**
 * @param {{ code: number, reason: string }} disconnect
 * @returns {Ending}
 */
function endingOf({ code, reason }) {
  if (reason === "") return LOST;
  // Those that say not to come back.
  const isFinal = (code >= 3500 && code < 4000) || (code >= 4500 && code < 5000);
  return { reason: `${reason} (${code})`, isFinal };
}

/** @returns {Ending} */
function endingOfError() {
  return { reason: "no answer from the server", isFinal: false };
}

/**
 * @param {number} ms
 * @param {AbortSignal} signal Ends the wait.
 * @returns {Promise<void>}
 */
function delay(ms, signal) {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
  });
}
