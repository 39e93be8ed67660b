import type { ListOutline, Outline, SectionOutline, ValueOutline } from "./outline.ts";

/** An option that takes a value of its own: everything but sections. */
export type Option = ValueOutline | ListOutline;

/** Where a flat name leads. */
export interface FlatName {
  readonly path: readonly string[];
  readonly option: Option;
  /** True where the name is the option's path joined by `_`; such a name wins over an older one. */
  readonly isCurrent: boolean;
}

/**
 * All names an option has without dots: its path joined by `_` (the environment's spelling), and the flat names
 * of versions before 6. A section with an `enabled` member answers to its own name too: `uni_sse: true`.
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
    const switchOption = member.type === "section" ? member.members.get("enabled") : undefined;
    if (member.type !== "section") {
      for (const name of memberNames) {
        register(name, { path: memberPath, option: member, isCurrent: name === memberPath.join("_") });
      }
      continue;
    }
    if (switchOption?.type === "value") {
      const switched: FlatName = {
        path: [...memberPath, "enabled"],
        option: switchOption,
        isCurrent: false,
      };
      for (const name of memberNames) register(name, switched);
    }
    const former = member.formerPrefix === undefined ? [] : [member.formerPrefix];
    collect(member, memberPath, [...memberNames, ...former], register);
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
