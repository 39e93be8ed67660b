import { RE2JS, RE2JSException } from "re2js";

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
}
