/** What a process writes where systemd's journal reads. Source: systemd.exec(5), JOURNAL_STREAM; sd-daemon(3) */
import { fstatSync } from "node:fs";

/** How important a line is, as syslog counts. */
export const PRIORITY = { error: 3, warning: 4, notice: 5, info: 6, debug: 7 } as const;
/** A name of one. */
export type Priority = keyof typeof PRIORITY;

/** Whether a descriptor is the journal's: `1`, standard output, or `2`, standard error. */
export function isJournal(fd: 1 | 2, env: NodeJS.ProcessEnv = process.env): boolean {
  const stream = env["JOURNAL_STREAM"];
  if (stream === undefined || stream === "") return false;
  try {
    const { dev, ino } = fstatSync(fd, { bigint: true });
    return stream === `${dev}:${ino}`;
  } catch {
    return false;
  }
}

/** The text with its priority before each line, as the journal takes it off again. */
export function withPriority(text: string, priority: Priority): string {
  return text
    .split("\n")
    .map((line) => `<${PRIORITY[priority]}>${line}`)
    .join("\n");
}
