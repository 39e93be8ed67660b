import type { Table } from "./columns.ts";

/** A table in columns of equal width. */
export function renderText({ title, headings, rows }: Table): string {
  const widths = headings.map((heading, at) =>
    Math.max(heading.length, ...rows.map((row) => row[at]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join("  ")
      .trimEnd();
  return [
    title,
    line(headings),
    widths.map((width) => "─".repeat(width)).join("  "),
    ...rows.map(line),
    "",
  ].join("\n");
}
