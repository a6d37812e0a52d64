/** Tables for people: columns as wide as needed, the last one wrapped. */
import { columns, padded, wrapped } from "./text-width.ts";

const GAP = "  ";

/** Lines of a table. Each cell is plain or colored text; the last column is wrapped to the width. */
export function table(rows: readonly (readonly string[])[], width: number): string[] {
  const last = Math.max(0, ...rows.map((row) => row.length - 1));
  const widths = Array.from({ length: last }, (_, column) =>
    Math.max(0, ...rows.map((row) => columns(row[column] ?? ""))),
  );
  const before = widths.reduce((sum, one) => sum + one + GAP.length, 0);
  const room = Math.max(20, width - before);
  return rows.flatMap((row) => {
    const head = widths.map((one, column) => padded(row[column] ?? "", one) + GAP).join("");
    const tail = wrapped(row[last] ?? "", room);
    return tail.map((text, index) => ((index === 0 ? head : " ".repeat(before)) + text).trimEnd());
  });
}
