import { Re2Pattern } from "./re2.ts";

/** Characters of a glob; what it costs to match it with a text grows with it. */
const MAX_LENGTH = 1_024;
const GLOB_TOKEN = /\*+|\?|\[!?[^\]]+\]|\{|\}|,|\\.|[^*?[{},\\]/gsu;

/** Characters that mean something in a regular expression. */
const META = /[\\^$.|?*+()[\]{}]/gu;

/**
 * Compiles a glob that has to match a whole text: `*` and `**` span any characters, `?` one, `[abc]`, `[a-z]` and
 * `[!abc]` one of a set or outside it, `{a,b}` alternatives; `\\` takes the next character as it is.
 *
 * Matching takes time linear in the text, whatever the glob.
 * @throws SyntaxError for a malformed glob, and for one of more than 1,024 characters
 */
export function compileGlob(glob: string): (text: string) => boolean {
  if (glob.length > MAX_LENGTH) throw new SyntaxError(`pattern of more than ${MAX_LENGTH} characters`);
  const tokens = glob.match(GLOB_TOKEN) ?? [];
  if (tokens.join("") !== glob) throw new SyntaxError(`malformed pattern ${JSON.stringify(glob)}`);
  let depth = 0;
  const parts = tokens.map((token) => {
    if (token === "{") depth += 1;
    if (token === "}") depth -= 1;
    if (depth < 0) throw unbalanced(glob);
    return globToken(token, depth);
  });
  if (depth !== 0) throw unbalanced(glob);
  const pattern = compilePattern(`^(?s:${parts.join("")})$`, glob);
  return (text) => pattern.test(text);
}

/** Text as a glob in which only `*` means something. */
export function escapeGlob(text: string): string {
  return text.replaceAll(/[?[\]{},\\]/gu, String.raw`\$&`);
}

function unbalanced(glob: string): SyntaxError {
  return new SyntaxError(`unbalanced braces in pattern ${JSON.stringify(glob)}`);
}

/** What is wrong with the expression is told in terms of the glob that it was made of. */
function compilePattern(expression: string, glob: string): Re2Pattern {
  try {
    return Re2Pattern.compile(expression);
  } catch (cause) {
    throw new SyntaxError(`malformed pattern ${JSON.stringify(glob)}`, { cause });
  }
}

function globToken(token: string, depth: number): string {
  if (token.startsWith("*")) return ".*";
  if (token === "?") return ".";
  if (token === "{") return "(?:";
  if (token === "}") return ")";
  if (token === "," && depth > 0) return "|";
  if (token.startsWith("[")) return token.replace("[!", "[^");
  return token.replace(/^\\/u, "").replace(META, String.raw`\$&`);
}
