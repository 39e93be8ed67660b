import { z } from "zod";
import { section, type Section } from "../../config/section.ts";
import {
  connectCodeToHttpResponse,
  type CodeTransformsConfig,
  type HttpResponseTarget,
} from "../../config/sections/code-transforms.ts";

/** Section `uni_sse`: the Server-Sent Events transport. */
export interface UniSseConfig {
  readonly enabled: boolean;
  readonly handler_prefix: string;
  readonly max_request_body_size: number;
  readonly native_resume: boolean;
  readonly connect_code_to_http_response: CodeTransformsConfig<HttpResponseTarget>;
}

export const uniSseConfig: Section<UniSseConfig> = section<UniSseConfig>(
  "Unidirectional Server-Sent Events, for `EventSource` in browsers.",
  {
    enabled: z.boolean().default(false).describe("Serves unidirectional Server-Sent Events."),
    handler_prefix: z.string().default("/connection/uni_sse").describe("Its path on the HTTP server."),
    max_request_body_size: z
      .int()
      .default(65_536)
      .describe(
        "Bytes that a POSTed connect request may have; a larger one gets status 413. 0 or less for no limit.",
      ),
    native_resume: z
      .boolean()
      .default(true)
      .describe(
        "Gives events of recoverable channels an id, by which a browser that reconnects gets what it missed. " +
          "For GET requests, as `EventSource` makes them.",
      ),
    connect_code_to_http_response: connectCodeToHttpResponse(),
  },
);
