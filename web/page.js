// The first page of a development server: publish, and see it arrive.
import { Flow } from "./flow.js";
import { ListenerCard } from "./listener-card.js";
import { Listener, TRANSPORT_TITLES } from "./listener.js";
import { curlLine, publishBody, Publisher } from "./publisher.js";
import { formatMs, PushLog } from "./push-log.js";
import { loadSession } from "./session.js";

/**
 * @typedef {import("./listener.js").TransportName} TransportName
 * @typedef {import("./session.js").Session} Session
 */

const DEFAULT_CHANNEL = "news";
/**
 * What is on where the address does not say. A browser has six connections to a server over HTTP/1.1 for all of its
 * pages together, and a stream keeps one.
 */
const DEFAULT_TRANSPORTS = ["sse", "websocket"];
const REPEAT_MS = 1000;
const RETRY_MS = 1000;
/** How long a button says that it has copied. */
const COPIED_MS = 1500;

const stage = element("stage", HTMLElement);
const form = element("publish", HTMLFormElement);
const dataField = element("data", HTMLTextAreaElement);
const sendButton = element("send", HTMLButtonElement);
const repeatSwitch = element("repeat", HTMLInputElement);
const outcome = element("outcome", HTMLOutputElement);
const channelField = element("channel", HTMLInputElement);
const listenerList = element("listeners", HTMLUListElement);
const curl = element("curl", HTMLElement);
const copyButton = element("copy", HTMLButtonElement);
const problem = element("problem", HTMLElement);

const log = new PushLog(element("pushes", HTMLTableSectionElement), (rows, isAll) => {
  element("empty", HTMLElement).hidden = rows > 0;
  element("kept", HTMLElement).textContent = rows === 0 ? "" : isAll ? String(rows) : `latest ${rows}`;
});
const flow = new Flow(stage, form, element("channel-node", HTMLElement));

/** The view as it stands in the address, so that it can be shared and survives a reload. */
const wanted = new URLSearchParams(location.search);
channelField.value = wanted.get("channel") || DEFAULT_CHANNEL;
const wantedTransports = wanted.get("listen")?.split(" ") ?? DEFAULT_TRANSPORTS;

let session = await loadSessionPatiently();
showSession();
const publisher = new Publisher(() => session, refreshSession);
const listeners = Object.keys(session.transports).filter(isTransport).map(addListener);
if (listeners.length === 0) showProblem("No transport that a page can use is switched on.");
listenToForms();
await Promise.all(
  listeners
    .filter(({ transport }) => wantedTransports.includes(transport))
    .map((listener) => listener.start(channelField.value)),
);
// Something moves before anybody has done anything.
if (session.api !== null && listeners.some(({ state }) => state.type === "connected")) await publish();

/**
 * @template {Element} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
function element(id, type) {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`the page has no ${id}`);
  return found;
}

/** The first session. Says why it waits, where the server is away or keeps the page from working. */
async function loadSessionPatiently() {
  for (;;) {
    try {
      const first = await loadSession();
      problem.hidden = true;
      return first;
    } catch (error) {
      showProblem(messageOf(error));
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

/** @param {AbortSignal} [signal] */
async function refreshSession(signal) {
  session = await loadSession(signal);
  showSession();
  return session;
}

function showSession() {
  const { api, version } = session;
  element("version", HTMLElement).textContent = version.split(" ")[0] ?? "";
  sendButton.disabled = api === null;
  repeatSwitch.disabled = api === null;
  if (api === null) showOutcome("The server API is not on this port.", true);
  showCurl();
}

/** @param {string} text */
function showProblem(text) {
  problem.textContent = text;
  problem.hidden = false;
}

/** @param {string} name @returns {name is TransportName} */
function isTransport(name) {
  return name in TRANSPORT_TITLES;
}

/** @param {TransportName} transport */
function addListener(transport) {
  const card = new ListenerCard(transport, (isOn) => {
    if (isOn) void listener.start(channelField.value);
    else listener.stop();
    saveView();
  });
  const show = () => {
    card.show(listener, session.token === null ? undefined : session.user);
    flow.setLive(transport, listener.state.type === "connected");
  };
  const listener = new Listener({
    transport,
    openSession: refreshSession,
    onChange: show,
    onPush(_listener, push) {
      const { channel = "", pub } = push;
      const tookMs = pub === undefined ? undefined : publisher.ageOf(channel, pub.data);
      log.add({ at: new Date(), transport: listener.title, push, tookMs });
      if (pub !== undefined) void flow.move(transport);
      show();
    },
  });
  listenerList.append(card.element);
  flow.connect(transport, card.element);
  show();
  return listener;
}

function listenToForms() {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void publish();
  });
  dataField.addEventListener("input", showCurl);
  channelField.addEventListener("input", showCurl);
  channelField.addEventListener("change", () => {
    channelField.value ||= DEFAULT_CHANNEL;
    for (const listener of listeners) if (listener.isOn) void listener.start(channelField.value);
    showCurl();
    saveView();
  });
  setInterval(() => {
    if (repeatSwitch.checked) void publish();
  }, REPEAT_MS);
  copyButton.addEventListener("click", () => void copyCurl());
  element("clear", HTMLButtonElement).addEventListener("click", () => log.clear());
}

async function publish() {
  try {
    const tookMs = await publisher.publish(channelField.value, dataField.value);
    showOutcome(`Published in ${formatMs(tookMs)}`, false);
  } catch (error) {
    repeatSwitch.checked = false;
    const text = messageOf(error);
    showOutcome(error instanceof SyntaxError ? `The data is not JSON: ${text}` : text, true);
  }
}

/**
 * @param {string} text
 * @param {boolean} isBad
 */
function showOutcome(text, isBad) {
  outcome.textContent = text;
  outcome.classList.toggle("bad", isBad);
}

/** The line of what is in the form; while that is no JSON, the line stays as it was. */
function showCurl() {
  if (session.api === null) return;
  try {
    curl.textContent = curlLine(session.api, publishBody(channelField.value, dataField.value));
    dataField.removeAttribute("aria-invalid");
  } catch {
    dataField.setAttribute("aria-invalid", "true");
  }
}

async function copyCurl() {
  await navigator.clipboard.writeText(curl.textContent ?? "");
  copyButton.textContent = "Copied";
  setTimeout(() => (copyButton.textContent = "Copy"), COPIED_MS);
}

function saveView() {
  const on = listeners.filter(({ isOn }) => isOn).map(({ transport }) => transport);
  const query = new URLSearchParams({ channel: channelField.value, listen: on.join(" ") });
  history.replaceState(null, "", `?${query}`);
}

/** @param {unknown} error */
function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}
