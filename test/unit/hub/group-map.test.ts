import { describe, expect, it } from "vitest";
import { GroupMap } from "../../../src/hub/group-map.ts";

const [a, b, c] = [{ name: "a" }, { name: "b" }, { name: "c" }];

describe("GroupMap", () => {
  it.each([1, 2, 3])("holds groups of %i, in the order in which members came", (size) => {
    const groups = new GroupMap<object>();
    const members = [a, b, c].slice(0, size);
    expect(members.map((member) => groups.add("g", member))).toEqual(members.map(() => true));
    expect([...groups.membersOf("g")]).toEqual(members);
    expect([groups.sizeOf("g"), groups.count, [...groups.sizes()]]).toEqual([size, 1, [["g", size]]]);
    expect(members.map((member) => groups.add("g", member))).toEqual(members.map(() => false));
    expect(members.map((member) => groups.remove("g", member))).toEqual(members.map(() => true));
    expect([groups.sizeOf("g"), groups.count, [...groups.names()]]).toEqual([0, 0, []]);
  });

  it("removes only who is there", () => {
    const groups = new GroupMap<object>();
    expect(groups.remove("g", a)).toBe(false);
    groups.add("g", a);
    expect(groups.remove("g", b)).toBe(false);
    groups.add("g", b);
    expect([groups.remove("g", c), groups.remove("h", a)]).toEqual([false, false]);
    expect([...groups.membersOf("g")]).toEqual([a, b]);
    expect([...groups.membersOf("h")]).toEqual([]);
  });

  it("leaves out members that leave while they are gone through", () => {
    const groups = new GroupMap<object>();
    for (const member of [a, b, c]) groups.add("g", member);
    const seen: object[] = [];
    for (const member of groups.membersOf("g")) {
      seen.push(member);
      groups.remove("g", b);
    }
    expect(seen).toEqual([a, c]);
  });
});
