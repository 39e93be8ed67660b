import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = resolve(import.meta.dirname, "..");
/** Not looked at: it has in its patterns what it looks for. */
const SELF = relative(ROOT, import.meta.filename);

/** Pages of docs/protocols, by the word in front of the numbers of their cases. */
const PAGE_NAMES = { uni: "unidirectional", core: "channels", api: "server-api", pusher: "pusher" } as const;

function read(file: string): string {
  return readFileSync(join(ROOT, file), "utf8");
}

/** A page of the protocols, as far as others refer to it. */
class Page {
  readonly path: string;
  readonly sections: ReadonlySet<string>;
  /** Names of cases such as `uni 12`, in their order. */
  readonly cases: readonly string[];
  /** Those of them that are about what is not there yet. */
  readonly notYet: ReadonlySet<string>;

  constructor(name: string) {
    this.path = `docs/protocols/${name}.md`;
    const text = read(this.path);
    this.sections = new Set([...text.matchAll(/^##+ ([\d.]*\d)\.? /gmu)].map(([, number = ""]) => number));
    const cases = [...text.matchAll(/^- \*\*([a-z]+ \d+)\*\*(?: \((not yet): [^)]+\))?/gmu)];
    this.cases = cases.map(([, label = ""]) => label);
    this.notYet = new Set(cases.filter(([, , mark]) => mark !== undefined).map(([, label = ""]) => label));
  }
}

const PAGES: ReadonlyMap<string, Page> = new Map(
  Object.entries(PAGE_NAMES).map(([word, name]) => [word, new Page(name)]),
);
const PAGE_BY_PATH: ReadonlyMap<string, Page> = new Map([...PAGES.values()].map((page) => [page.path, page]));
const WORD = `(?:${[...PAGES.keys()].join("|")})`;

const SOURCES = globSync("{src,test,bench,examples,scripts,web,proto}/**/*.{ts,js,html,proto}", { cwd: ROOT })
  .filter((file) => file !== SELF)
  .toSorted();
const TESTS = SOURCES.filter((file) => file.startsWith("test/"));
const MARKDOWN = ["README.md", ...globSync("{docs,examples,bench}/**/*.md", { cwd: ROOT })].toSorted();

/**
 * A section with what it is a section of: an RFC, a page by its path, or in the name of a test by its word. Without that, it
 * is one of what stands before it in a list.
 */
const CITATION = new RegExp(
  String.raw`(?:(?<source>RFC \d+|WHATWG HTML|docs/[\w/-]+\.md|(?<=["'\x60]|, )${WORD})|,) §(?<from>[\d.]*\d)(?:–(?<to>[\d.]*\d))?`,
  "gu",
);

/** What is wrong with the sections that a file cites. */
function* wrongCitationsIn(file: string): Generator<string> {
  // As one line: comments break anywhere.
  const text = read(file).replaceAll(/\n\s*(?:\*|\/\/)? ?/gu, " ");
  const citations = [...text.matchAll(CITATION)];
  const count = text.split("§").length - 1;
  if (citations.length !== count) yield `${file}: a § does not say of what it is a section`;
  let source = "";
  for (const { groups } of citations) {
    source = groups?.["source"] ?? source;
    if (/^RFC|^WHATWG/u.test(source)) continue;
    const page = PAGES.get(source) ?? PAGE_BY_PATH.get(source);
    for (const section of [groups?.["from"], groups?.["to"]]) {
      if (section !== undefined && page?.sections.has(section) !== true)
        yield `${file}: ${source} §${section}`;
    }
  }
}

const ITEM = String.raw`(?:§[\d.]*\d|\d+(?:–\d+)?)`;
/** What stands in front of the name of a test: `uni 41, core 8, 13` in `"uni 41, core 8, 13: a numeric sub …"`. */
const TITLE = new RegExp(
  String.raw`["'\x60](${WORD} ${ITEM}(?:, (?:${WORD} )?${ITEM})*)(?=[:"'\x60]| \()`,
  "gu",
);

/** The cases that tests are named after, such as `uni 12`, with the files of these tests. */
function casesOfTests(): Map<string, string> {
  const found = new Map<string, string>();
  for (const file of TESTS) {
    for (const [, title = ""] of read(file).matchAll(TITLE)) {
      let word = "";
      for (const item of title.split(", ")) {
        const [, ownWord, first, last = first] = /^(?:([a-z]+) )?(\d+)(?:–(\d+))?$/u.exec(item) ?? [];
        word = ownWord ?? word;
        for (let number = Number(first); number <= Number(last); number++) {
          found.set(`${word} ${number}`, file);
        }
      }
    }
  }
  return found;
}

/** Markdown without its code, in which brackets mean something else. */
function proseOf(file: string): string {
  return read(file)
    .replaceAll(/^```.*?^```/gmsu, "")
    .replaceAll(/`[^`\n]*`(?!\])/gu, "");
}

/** Anchors of a page's headings, as GitHub makes them. */
function anchorsOf(file: string): ReadonlySet<string> {
  const headings = read(file)
    .replaceAll(/^```.*?^```/gmsu, "")
    .matchAll(/^#+ (.+)$/gmu);
  return new Set(
    [...headings].map(([, heading = ""]) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
        .replaceAll(/\s/gu, "-"),
    ),
  );
}

/** Links of a page to other pages and files of the repository. */
function* wrongLinksOf(file: string): Generator<string> {
  for (const [link, text = "", path = "", anchor] of proseOf(file).matchAll(
    /\[([^\]]*)\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/gu,
  )) {
    const target = path === "" ? file : relative(ROOT, resolve(ROOT, dirname(file), path));
    const [, section] = /§([\d.]*\d)$/u.exec(text) ?? [];
    if (!existsSync(join(ROOT, target))) yield `${file}: ${link}: no such file`;
    else if (anchor !== undefined && !anchorsOf(target).has(anchor))
      yield `${file}: ${link}: no such heading`;
    else if (section !== undefined && anchor?.startsWith(`${section.replaceAll(".", "")}-`) !== true) {
      yield `${file}: ${link}: another section`;
    }
  }
}

describe("docs/protocols", () => {
  it("has every section that code and tests cite", () => {
    expect(SOURCES.flatMap((file) => [...wrongCitationsIn(file)])).toEqual([]);
  });

  it("has every section that its pages refer to themselves", () => {
    const wrong = [...PAGES.values()].flatMap(({ path, sections }) => {
      const text = proseOf(path).replaceAll(/\[[^\]]*\]\([^)]*\)|RFC \d+ §[\d.]*\d/gu, "");
      const named = [...text.matchAll(/§([\d.]*\d)/gu)].map(([, section = ""]) => section);
      return named.filter((section) => !sections.has(section)).map((section) => `${path} §${section}`);
    });
    expect(wrong).toEqual([]);
  });

  it("numbers the cases of each page with a word of its own, none twice", () => {
    for (const [word, { cases }] of PAGES) {
      expect(cases.filter((name) => !name.startsWith(`${word} `))).toEqual([]);
      expect(cases.length).toBeGreaterThan(0);
      expect(cases.filter((name, at) => cases.indexOf(name) !== at)).toEqual([]);
    }
  });

  it("has a test for every case, but for those of what is not there yet", () => {
    const tested = casesOfTests();
    const pages = [...PAGES.values()];
    const known = new Set(pages.flatMap(({ cases }) => cases));
    const unknown = [...tested]
      .filter(([name]) => !known.has(name))
      .map(([name, file]) => `${file}: ${name}`);
    expect(unknown).toEqual([]);
    const untested = pages.flatMap(({ cases, notYet }) => cases.filter((name) => !notYet.has(name)));
    expect(untested.filter((name) => !tested.has(name))).toEqual([]);
    const marked = pages.flatMap(({ notYet }) => [...notYet]);
    expect(marked.filter((name) => tested.has(name))).toEqual([]);
  });
});

it("docs that code and tests name are there", () => {
  const wrong = SOURCES.flatMap((file) =>
    [...read(file).matchAll(/\bdocs\/[\w/-]+\.md/gu)]
      .filter(([path]) => !existsSync(join(ROOT, path)))
      .map(([path]) => `${file}: ${path}`),
  );
  expect(wrong).toEqual([]);
});

it("links of the documentation lead somewhere", () => {
  expect(MARKDOWN.flatMap((file) => [...wrongLinksOf(file)])).toEqual([]);
});
