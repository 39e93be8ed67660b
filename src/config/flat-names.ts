import type { Outline, SectionOutline } from "./outline.ts";

/** Where a flat name leads. */
export interface FlatName {
  readonly path: readonly string[];
  readonly outline: Outline;
  /** True where the name is the option's path joined by `_`; such a name wins over an older one. */
  readonly isCurrent: boolean;
}

/**
 * All names an option has without dots: its path joined by `_` (the environment's spelling), and the flat names
 * of versions before 6. Sections have such names too; a scalar there is their `enabled`: `uni_sse: true`.
 */
export function listFlatNames(root: SectionOutline): ReadonlyMap<string, FlatName> {
  const names = new Map<string, FlatName>();
  collect(root, [], [""], (name, flat) => {
    if (flat.isCurrent || !names.has(name)) names.set(name, flat);
  });
  return names;
}

type Register = (name: string, flat: FlatName) => void;

function collect(
  section: SectionOutline,
  path: readonly string[],
  prefixes: readonly string[],
  register: Register,
): void {
  for (const [key, member] of section.members) {
    const memberPath = [...path, key];
    const memberNames = namesOf(key, member, prefixes);
    for (const name of memberNames) {
      const isCurrent = member.type !== "section" && name === memberPath.join("_");
      register(name, { path: memberPath, outline: member, isCurrent });
    }
    if (member.type === "section") {
      const former = member.formerPrefix === undefined ? [] : [member.formerPrefix];
      collect(member, memberPath, [...memberNames, ...former], register);
    }
  }
}

function namesOf(key: string, member: Outline, prefixes: readonly string[]): readonly string[] {
  const formerWord = member.type === "value" ? member.formerWord : undefined;
  const words = formerWord === undefined ? [key] : [key, formerWord];
  const composed = prefixes.flatMap((prefix) =>
    words.map((word) => (prefix === "" ? word : `${prefix}_${word}`)),
  );
  return [...composed, ...member.formerly];
}
