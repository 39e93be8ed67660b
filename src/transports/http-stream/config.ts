import { z } from "zod";
import { section, type Section } from "../../config/section.ts";
import {
  connectCodeToHttpResponse,
  type CodeTransformsConfig,
  type HttpResponseTarget,
} from "../../config/sections/code-transforms.ts";

/** Section `uni_http_stream`: the HTTP streaming transport. */
export interface UniHttpStreamConfig {
  readonly enabled: boolean;
  readonly handler_prefix: string;
  readonly max_request_body_size: number;
  readonly connect_code_to_http_response: CodeTransformsConfig<HttpResponseTarget>;
}

export const uniHttpStreamConfig: Section<UniHttpStreamConfig> = section<UniHttpStreamConfig>(
  "Unidirectional HTTP streaming: one JSON push per line of an endless response.",
  {
    enabled: z.boolean().default(false).describe("Serves unidirectional HTTP streaming."),
    handler_prefix: z
      .string()
      .default("/connection/uni_http_stream")
      .describe("Its path on the HTTP server."),
    max_request_body_size: z
      .int()
      .default(65_536)
      .describe(
        "Bytes that a connect request may have; a larger one gets status 413. 0 or less for no limit.",
      ),
    connect_code_to_http_response: connectCodeToHttpResponse(),
  },
);
