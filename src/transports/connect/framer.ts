import type { Framer } from "../../core/wire-format.ts";
import { envelope } from "../../grpc/envelope.ts";
import { inBase64 } from "./protocol.ts";

/** Each envelope in base64 of its own, as gRPC-Web's text form wants it. */
export const envelopeTextFramer: Framer = {
  id: "envelope-base64",
  frame: (message) => inBase64(envelope(0, message)),
  join: (frames) => Buffer.concat(frames),
};
