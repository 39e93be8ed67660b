import { z } from "zod";

/**
 * A text that is compared or signed with, byte for byte, such as a key. White space around it is refused: it comes
 * from a file or a shell, and the one who has the key on the other side hardly has it, too.
 */
export function secretText(): z.ZodString {
  return z.string().superRefine((text, context) => {
    const excess = excessOf(text);
    if (excess !== undefined) {
      context.addIssue({
        code: "custom",
        message: `${excess}; keys and secrets count byte for byte: remove it`,
      });
    }
  });
}

function excessOf(text: string): string | undefined {
  if (/[\r\n]$/.test(text)) return "ends in a line break";
  if (text.trimEnd() !== text) return "ends in white space";
  return text.trimStart() === text ? undefined : "begins with white space";
}
