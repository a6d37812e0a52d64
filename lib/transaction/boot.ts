/** What tells one boot from another, and a clock that runs from one to the next without jumps. */
import { readFileSync } from "node:fs";

/** Changes with every boot: what a journal of another boot tells of is gone. */
export function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}

/** Seconds since the boot, time asleep included: nobody can set this clock. */
export function uptime(): number {
  return Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]);
}

/** When a process began, in clock ticks since the boot: with its number it names one process for good. */
export function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // Behind the name in parentheses: the state is field 3, the start 22.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}
