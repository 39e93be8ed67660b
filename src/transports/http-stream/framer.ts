import type { Framer } from "../../core/wire-format.ts";

const LF = Buffer.from("\n");

/** One message as one line. Messages hold no line breaks: the JSON codec sees to it. */
export const lineFramer: Framer = {
  id: "line",
  frame: (message) => Buffer.concat([message, LF]),
  join: (frames) => Buffer.concat(frames),
};
