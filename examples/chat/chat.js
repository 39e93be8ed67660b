// What both tabs have in common: the list of what has been said, and the form that sends more of it.
const form = document.querySelector("form");

/** Adds a line to the list. */
export function show({ name, text }) {
  const line = document.createElement("li");
  line.textContent = `${name}: ${text}`;
  document.querySelector("ol").append(line);
}

/** Tells whether the tab listens. */
export function showState(state) {
  document.querySelector("output").textContent = state;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  void fetch("/messages", { method: "POST", body: new URLSearchParams(new FormData(form)) });
  form.elements.text.value = "";
});
