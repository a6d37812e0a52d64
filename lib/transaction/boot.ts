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
