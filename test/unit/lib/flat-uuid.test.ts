import { describe, expect, it } from "vitest";
import { createUuid } from "../../../src/lib/flat-uuid.ts";

describe("createUuid", () => {
  it("makes version 4 UUIDs, none twice", () => {
    const ids = Array.from({ length: 1000 }, createUuid);
    for (const id of ids) {
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/u);
    }
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("uses every digit at every place that is random", () => {
    const ids = Array.from({ length: 2000 }, createUuid);
    for (let at = 0; at < 36; at += 1) {
      const digits = new Set(ids.map((id) => id[at])).size;
      const isDash = [8, 13, 18, 23].includes(at);
      expect(digits).toBe(isDash || at === 14 ? 1 : at === 19 ? 4 : 16);
    }
  });
});
