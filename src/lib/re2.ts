import { RE2JS, RE2JSException } from "re2js";

/** Counted repetitions: `{3}`, `{3,}`, `{3,5}`. */
const REPETITION = /\{(\d+)(?:,(\d*))?\}/g;
/** Instructions that a character of a pattern becomes at most, counted repetitions aside. */
const INSTRUCTIONS_PER_CHARACTER = 2;

/**
 * A regular expression in the syntax of RE2 (that of Go), as configurations have them.
 *
 * Matching is not anchored and takes time proportional to the length of the text, whatever text and pattern: a
 * stranger's text cannot hang the server, as it could with RegExp. There is no look-around and there are no
 * back-references; a count of repetitions is at most 1,000.
 */
export class Re2Pattern {
  readonly #compiled: RE2JS;

  private constructor(compiled: RE2JS) {
    this.#compiled = compiled;
  }

  /** Throws SyntaxError with a message such as "missing closing ): `(a`". */
  static compile(pattern: string): Re2Pattern {
    try {
      return new Re2Pattern(RE2JS.compile(pattern));
    } catch (cause) {
      if (!(cause instanceof RE2JSException)) throw cause;
      throw new SyntaxError(cause.message.replace(/^error parsing regexp: /, ""), { cause });
    }
  }

  /** Whether the pattern matches anywhere in the text. */
  test(text: string): boolean {
    return this.#compiled.test(text);
  }

  /**
   * What the named groups, `(?P<name>…)` or `(?<name>…)`, have in the first match; "" for a group that took no
   * part. Undefined where nothing matches. Ten times the cost of `test`.
   */
  groupsOf(text: string): ReadonlyMap<string, string> | undefined {
    const matcher = this.#compiled.matcher(text);
    if (!matcher.find()) return undefined;
    const groups = new Map<string, string>();
    for (const [name, value] of Object.entries(matcher.getNamedGroups())) groups.set(name, value ?? "");
    return groups;
  }

  /** Names of the groups, in no particular order. */
  get groupNames(): readonly string[] {
    return Object.keys(this.#compiled.namedGroups());
  }

  /** Instructions of the compiled pattern: what compiling has cost, and matching costs for a character at most. */
  get size(): number {
    return this.#compiled.programSize();
  }
}

/**
 * Upper bound of the size that a pattern has once it is compiled, found without compiling it.
 *
 * Counted repetitions are what makes a short pattern a long one: `((a{1000}){9}){9}` stands for 81,000 letters. One of
 * a group is taken for one of everything before it, which is more than the truth, never less.
 */
export function maxPatternSize(pattern: string): number {
  // Between `\Q` and `\E` may be nothing, so that what stands before a count is not what it counts.
  const hasQuotes = pattern.includes(String.raw`\Q`);
  let length = 0;
  let end = 0;
  for (const { 0: text, 1: min, 2: max, index } of pattern.matchAll(REPETITION)) {
    length += index - end;
    end = index + text.length;
    const count = Math.max(1, Number(min), Number(max ?? 0));
    length = hasQuotes || pattern[index - 1] === ")" ? length * count : length + count;
    length += text.length;
  }
  // Begin, end, and the group of the whole match.
  return INSTRUCTIONS_PER_CHARACTER * (length + pattern.length - end) + 4;
}
