import { z } from "zod";
import { entry, section, type Section, type Shape } from "../section.ts";

/** One row: a connect failure with this code is answered like that. */
export interface CodeTransform<Target> {
  readonly code: number;
  readonly to: Target;
}

/** A table from connect failures to answers. */
export interface CodeTransformsConfig<Target> {
  readonly enabled: boolean;
  readonly transforms: readonly CodeTransform<Target>[];
}

/** The section of such a table. The first row whose code fits decides. */
export function codeTransforms<Target>(
  description: string,
  target: Shape<Target>,
): Section<CodeTransformsConfig<Target>> {
  return section<CodeTransformsConfig<Target>>(description, {
    enabled: z.boolean().default(false).describe("Uses the table."),
    transforms: z
      .array(
        entry<CodeTransform<Target>>("One row of the table.", {
          code: z.int().min(1).describe("Code of the failure, before any other translation."),
          to: entry<Target>("The answer.", target),
        }),
      )
      .default([])
      .describe("Rows; the first one with the failure's code decides."),
  });
}

/** What an HTTP client is told instead of a stream that begins with a disconnect. */
export interface HttpResponseTarget {
  readonly status_code: number;
  readonly body: string;
}

/** The table `connect_code_to_http_response` of a transport over HTTP. */
export function connectCodeToHttpResponse(): Section<CodeTransformsConfig<HttpResponseTarget>> {
  return codeTransforms<HttpResponseTarget>(
    "Which HTTP status a client gets when its connect fails. Without it: status 200 and a disconnect push.",
    {
      status_code: z.int().min(200).max(599).describe("HTTP status, 200 to 599."),
      body: z.string().default("").describe("Response body; empty for the text of the failure."),
    },
  );
}
