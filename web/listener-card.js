// What the page shows of one listener: a switch, the state, how much has come.
import { TRANSPORT_TITLES } from "./listener.js";

/**
 * @typedef {import("./listener.js").Listener} Listener
 * @typedef {import("./listener.js").TransportName} TransportName
 */

export class ListenerCard {
  element = document.createElement("li");
  #toggle = document.createElement("input");
  #count = document.createElement("span");
  #state = document.createElement("span");

  /**
   * @param {TransportName} transport
   * @param {(isOn: boolean) => void} onSwitch
   */
  constructor(transport, onSwitch) {
    this.element.className = "card listener";
    this.#toggle.type = "checkbox";
    this.#toggle.setAttribute("role", "switch");
    this.#toggle.setAttribute("aria-describedby", `state-${transport}`);
    this.#toggle.addEventListener("change", () => onSwitch(this.#toggle.checked));
    this.#count.className = "count";
    this.#state.className = "state";
    this.#state.id = `state-${transport}`;
    const label = document.createElement("label");
    label.className = "switch";
    label.append(this.#toggle, TRANSPORT_TITLES[transport]);
    this.element.append(label, this.#count, this.#state);
  }

  /**
   * @param {Listener} listener
   * @param {string | undefined} user Whom it is connected as, where that is known.
   */
  show({ isOn, state, pushCount }, user) {
    this.#toggle.checked = isOn;
    this.element.dataset["state"] = state.type;
    this.#state.textContent = describe(state, user);
    this.#count.textContent = pushCount === 1 ? "1 push" : `${pushCount} pushes`;
  }
}

/**
 * @param {import("./listener.js").State} state
 * @param {string | undefined} user
 */
function describe(state, user) {
  switch (state.type) {
    case "off":
      return "Off";
    case "connecting":
      return "Connecting…";
    case "connected":
      return user === undefined ? "Connected" : `Connected as user ${user}`;
    case "waiting":
      return `Coming back: ${state.reason}`;
    case "refused":
      return `Refused: ${state.reason}; the server's log says why`;
  }
}
