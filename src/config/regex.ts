import { z } from "zod";
import { Re2Pattern } from "../lib/re2.ts";

/** An option that is a regular expression in the syntax of RE2; empty for none. Stays text. */
export function regex(): z.ZodDefault<z.ZodString> {
  return z
    .string()
    .superRefine((pattern, context) => {
      try {
        Re2Pattern.compile(pattern);
      } catch (cause) {
        if (!(cause instanceof SyntaxError)) throw cause;
        context.addIssue({ code: "custom", message: `bad regular expression: ${cause.message}` });
      }
    })
    .default("");
}
