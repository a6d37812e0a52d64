/** What becomes of files, on the terminal. */
import { type FileChange, unifiedDiff } from "../systemd/index.ts";
import { counted } from "./report.ts";
import type { Terminal } from "./terminal.ts";

/** Shows what would change, as `diff -u` does. */
export function printDiff(changes: readonly FileChange[], { line, palette }: Terminal): void {
  const paints = { "-": palette.bad, "+": palette.good, "@": palette.faint };
  for (const { path, before, after } of changes)
    for (const text of unifiedDiff(path, before, after))
      line((paints[text[0] as keyof typeof paints] ?? ((same: string) => same))(text));
  line(
    changes.length === 0
      ? "all files are as they should be"
      : `${counted(changes.length, "file")}; nothing was changed`,
  );
}
