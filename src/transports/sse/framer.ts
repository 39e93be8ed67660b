import type { Framer } from "../../core/wire-format.ts";

const BEFORE = Buffer.from("data: ");
const AFTER = Buffer.from("\n\n");

/** One message as one event (WHATWG HTML §9.2.6). Messages are single lines: the JSON codec sees to it. */
export const sseFramer: Framer = {
  id: "sse",
  frame: (message) => Buffer.concat([BEFORE, message, AFTER]),
  join: (frames) => Buffer.concat(frames),
};
