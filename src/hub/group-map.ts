/**
 * Groups by name; a group exists as long as it has members.
 *
 * Most users have one connection, and many channels one subscriber: a group of one is its member itself, since even an
 * empty Set takes 0.2 KB. Members must not be Sets.
 */
export class GroupMap<Member extends object> {
  readonly #groups = new Map<string, Member | Set<Member>>();

  /** Groups with members. */
  get count(): number {
    return this.#groups.size;
  }

  /** Members of a group, in the order in which they came. Those that leave meanwhile may be left out. */
  membersOf(name: string): ReadonlySet<Member> {
    const group = this.#groups.get(name);
    if (group === undefined) return EMPTY;
    return group instanceof Set ? group : new Set([group]);
  }

  sizeOf(name: string): number {
    return sizeOf(this.#groups.get(name));
  }

  /** Adds a member; returns false, changing nothing, where it is in the group already. */
  add(name: string, member: Member): boolean {
    const group = this.#groups.get(name);
    if (group === undefined) {
      this.#groups.set(name, member);
    } else if (group instanceof Set) {
      return group.size < group.add(member).size;
    } else if (group === member) {
      return false;
    } else {
      this.#groups.set(name, new Set([group, member]));
    }
    return true;
  }

  /** Removes a member; returns false where it is not in the group. */
  remove(name: string, member: Member): boolean {
    const group = this.#groups.get(name);
    if (group instanceof Set) {
      if (!group.delete(member)) return false;
      if (group.size === 0) this.#groups.delete(name);
      return true;
    }
    return group === member && this.#groups.delete(name);
  }

  /** Names of all groups. */
  names(): Iterable<string> {
    return this.#groups.keys();
  }

  /** Names and sizes of all groups. */
  *sizes(): Generator<readonly [name: string, size: number]> {
    for (const [name, group] of this.#groups) yield [name, sizeOf(group)];
  }
}

const EMPTY: ReadonlySet<never> = new Set<never>();

function sizeOf(group: object | undefined): number {
  if (group === undefined) return 0;
  return group instanceof Set ? group.size : 1;
}
