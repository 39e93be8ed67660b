import type { Logger } from "../core/logger.ts";
import type { RefusalLog } from "../core/refusal-log.ts";
import type { MessageEncoder } from "../lib/json/encode-message.ts";
import type { AnswerQueue } from "./answer-queue.ts";
import type { HttpAuth } from "./api-key.ts";

/** How the doors on the HTTP port are set up. */
export interface HttpDoorOptions {
  readonly auth: HttpAuth;
  readonly refusals: RefusalLog;
  /** Hears of what a door cannot answer by its own fault. */
  readonly logger: Logger;
  /** Bytes that a body may have; 0 or less for no limit. */
  readonly maxBodyBytes: number;
  /** Reports every API error as a status of the transport, not only where the request asks for it. */
  readonly transportErrors: boolean;
  /** Writes results as JSON. */
  readonly encoder: MessageEncoder;
  /** Where all answers leave that cost their request something. */
  readonly answers: AnswerQueue;
}

/** With this header a request asks for transport errors. */
export const ERROR_MODE_HEADER = "x-centrifugo-error-mode";
/** Its one value, also that of the configuration. */
export const TRANSPORT_ERROR_MODE = "transport";
