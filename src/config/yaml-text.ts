import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
} from "yaml";
import type { WrittenPath } from "./normalise.ts";

/** What is wrong with a text, and in which line, from 1. */
export class YamlSyntaxError extends Error {
  override readonly name = "YamlSyntaxError";
  readonly line: number | undefined;

  constructor(message: string, line: number | undefined) {
    super(message);
    this.line = line;
  }
}

/** Uses of aliases, those inside of what they stand for included: namespaces may have much in common. */
const ALIAS_MAX_COUNT = 10_000;

/** A text in YAML, or JSON, which is YAML too: its value, and where and how the parts of it are written. */
export class YamlText {
  readonly #document: Document;
  readonly #lines: LineCounter;

  private constructor(document: Document, lines: LineCounter) {
    this.#document = document;
    this.#lines = lines;
  }

  /** Throws YamlSyntaxError. */
  static parse(text: string): YamlText {
    const lines = new LineCounter();
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true });
    const [error] = document.errors;
    if (error !== undefined) throw new YamlSyntaxError(error.message, lines.linePos(error.pos[0]).line);
    return new YamlText(document, lines);
  }

  /** What JSON that has been parsed already looked like. */
  static ofJson(text: string): YamlText {
    const lines = new LineCounter();
    return new YamlText(parseDocument(text, { lineCounter: lines, uniqueKeys: false }), lines);
  }

  /** Throws YamlSyntaxError for aliases that stand for nothing, or for what they are a part of. */
  toValue(): unknown {
    visit(this.#document, {
      Alias: (_key, alias) => this.#check(alias),
      // A name is text, whatever it looks like.
      Pair: (_key, { key }) => {
        if (isScalar(key) && typeof key.value !== "symbol") key.value = key.source ?? key.value;
      },
    });
    try {
      return this.#document.toJS({ maxAliasCount: ALIAS_MAX_COUNT });
    } catch (cause) {
      throw new YamlSyntaxError(cause instanceof Error ? cause.message : String(cause), undefined);
    }
  }

  /** Line of the value at a path, or of the nearest one around it, from 1. */
  lineOf(path: WrittenPath): number | undefined {
    for (let length = path.length; length > 0; length--) {
      const node = this.#find(path.slice(0, length));
      if (node !== undefined) return this.#lineOf(node);
    }
    return undefined;
  }

  /** The value at a path as the text spells it; undefined where there is none, or more than one. */
  sourceOf(path: WrittenPath): string | undefined {
    const node = this.#resolve(this.#find(path));
    return isScalar(node) ? node.source : undefined;
  }

  #lineOf({ range }: Node): number | undefined {
    return range === null || range === undefined ? undefined : this.#lines.linePos(range[0]).line;
  }

  #check(alias: Alias): void {
    const target = alias.resolve(this.#document);
    if (target === undefined) {
      throw new YamlSyntaxError(`there is no anchor &${alias.source} before this alias`, this.#lineOf(alias));
    }
    const [at] = alias.range ?? [0];
    const [begin, , end] = target.range ?? [0, 0, 0];
    if (begin < at && at < end) {
      throw new YamlSyntaxError(`*${alias.source} is a part of what it stands for`, this.#lineOf(alias));
    }
  }

  #resolve(node: unknown): Node | undefined {
    if (isAlias(node)) return node.resolve(this.#document);
    return isNode(node) ? node : undefined;
  }

  #find(path: WrittenPath): Node | undefined {
    let node: unknown = this.#document.contents;
    for (const step of path) node = this.#member(this.#resolve(node), step);
    return isNode(node) ? node : undefined;
  }

  #member(node: Node | undefined, step: string | number): unknown {
    if (isSeq(node)) return node.items[Number(step)];
    if (!isMap(node)) return undefined;
    const own = node.items.findLast(({ key }) => isScalar(key) && key.value === step);
    return own === undefined ? this.#mergedMember(node.items, step) : own.value;
  }

  /** A member that comes from another map by the key `<<`. */
  #mergedMember(pairs: readonly Pair[], step: string | number): unknown {
    for (const { key, value } of pairs) {
      if (!isScalar(key) || typeof key.value !== "symbol") continue;
      const merged = this.#resolve(value);
      for (const source of isSeq(merged) ? merged.items : [merged]) {
        const member = this.#member(this.#resolve(source), step);
        if (member !== undefined) return member;
      }
    }
    return undefined;
  }
}
