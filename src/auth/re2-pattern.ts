const LEADING_FLAGS = /^\(\?([is]+)\)/;
/** The parts of a pattern that RE2 and JavaScript spell or read differently. */
const TOKEN = /\\Q([^]*?)(?:\\E|$)|(\[\^?\]?(?:\\[^]|[^\]\\])*\])|\\([pP][A-Z]|[^])|(\(\?P<|\(\?<?[=!])|\./gu;
const CLASS_TOKEN = /^\[\^?\]|\\([pP][A-Z]|[^])/gu;
const PUNCTUATION = /[!-/:-@[-`{-~]/;
/** All that JavaScript, in its Unicode mode, lets one escape; a hyphen in a class besides. */
const SYNTAX = /[$^\\.*+?()[\]{}|/]/g;

/**
 * Compiles a pattern written for RE2 (Go's syntax), as configurations have them, to a RegExp.
 *
 * Translated: named groups `(?P<name>…)`, the flags `i` and `s` in front of the whole pattern, `\A`, `\z`,
 * `\a`, `\Q…\E`, `\pL`, a `]` that begins a class, escaped punctuation, and `.` (anything but a line feed).
 * Refused, because not supported: other flags or flags elsewhere, POSIX classes such as `[[:alpha:]]`, scripts
 * such as `\p{Greek}`, octal and `\x{…}` escapes, `\C`, and braces that stand for themselves unescaped. Refused, because
 * RE2 has none: look-around and back-references. `\s` stands for Unicode's white space too.
 *
 * RE2 takes linear time, RegExp does not: with nested repetition such as `(a+)+` a text can take forever.
 * Match such patterns against text of strangers with care.
 *
 * Throws SyntaxError.
 */
export function compileRe2(pattern: string): RegExp {
  const flags = LEADING_FLAGS.exec(pattern)?.[1] ?? "";
  const anyCharacter = flags.includes("s") ? "[^]" : String.raw`[^\n]`;
  const translate = (
    token: string,
    quoted?: string,
    charClass?: string,
    escaped?: string,
    group?: string,
  ): string => {
    if (quoted !== undefined) return quoted.replaceAll(SYNTAX, String.raw`\$&`);
    if (charClass !== undefined) return translateClass(charClass);
    if (escaped !== undefined) return translateEscape(escaped);
    if (group !== undefined) return translateGroup(group);
    return token === "." ? anyCharacter : token;
  };
  const source = pattern.replace(LEADING_FLAGS, "").replaceAll(TOKEN, translate);
  return new RegExp(source, flags.includes("i") ? "iu" : "u");
}

function translateGroup(group: string): string {
  if (group === "(?P<") return "(?<";
  throw new SyntaxError("look-around is not supported");
}

function translateClass(charClass: string): string {
  if (charClass.includes("[:", 1)) throw new SyntaxError("POSIX classes are not supported");
  return charClass.replaceAll(CLASS_TOKEN, (token: string, escaped?: string) => {
    if (escaped === undefined) return `${token.slice(0, -1)}${String.raw`\]`}`;
    return escaped === "-" ? token : translateEscape(escaped);
  });
}

/** What stands for `\` and the given text outside a class. */
function translateEscape(escaped: string): string {
  if (escaped === "A") return "^";
  if (escaped === "z") return "$";
  if (escaped === "a") return String.raw`\x07`;
  if (escaped.length === 2) return `\\${escaped.charAt(0)}{${escaped.charAt(1)}}`;
  if (/[\dkC]/.test(escaped)) throw new SyntaxError(`\\${escaped} is not supported`);
  return PUNCTUATION.test(escaped) ? escaped.replace(SYNTAX, String.raw`\$&`) : `\\${escaped}`;
}
