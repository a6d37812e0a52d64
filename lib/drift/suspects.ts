/** Who is likely to have changed what differs: who was seen, and who is there, is given. */
import type { Finding } from "../state/verify.ts";
import type { Author } from "./authors.ts";
import { MANAGERS, type Manager } from "./managers.ts";

/** Somebody who may have done it. */
export interface Suspect {
  /** `systemd-networkd`, `ip (process 4711)`, `Docker, by iptables (process 4712)`. */
  readonly who: string;
  /** `seen`: the kernel named it when something changed. `present`: it runs here, and is known to change such things. */
  readonly because: "seen" | "present";
  /** What it takes that it does so no more, where that is known. */
  readonly cure?: string;
}

/** The manager that a program is, or that started it: those that are known tell their cure wherever they live. */
function managerOf({ command, callers = [] }: Author): Manager | undefined {
  for (const one of [command, ...callers]) {
    const found = MANAGERS.find((manager) => manager.command === one);
    if (found !== undefined) return found;
  }
  return undefined;
}

function suspectOf(author: Author): Suspect {
  const { pid, command = "a program that has ended" } = author;
  const known = managerOf(author);
  const own = `${command} (process ${pid})`;
  if (known === undefined) return { who: own, because: "seen" };
  const who = known.command === command ? `${known.name} (process ${pid})` : `${known.name}, by ${own}`;
  return { who, because: "seen", cure: known.cure };
}

/** systemd makes the sockets of what it starts, networkd's among them: the kernel names it for what these do. */
const isSystemd = ({ pid, command }: Author): boolean => pid === 1 && command === "systemd";

/** What the kernel tells changes of without their author, or not at all. */
const SILENT: readonly Finding["object"][] = ["link", "fdb", "sysctl"];

/**
 * Those who were seen, the latest first. After them those who run here and are known to change such things, for what
 * nobody can be seen to change, or where nobody knows whose the program was, as it has ended.
 */
export function suspectsOf(
  differences: readonly Finding[],
  authors: readonly Author[],
  managers: readonly Manager[],
): readonly Suspect[] {
  if (differences.length === 0) return [];
  const seen = authors.filter((author) => !isSystemd(author)).reverse();
  const named = seen.some(({ command }) => command !== undefined);
  const open = new Set(differences.map(({ object }) => object).filter((object) => SILENT.includes(object) || !named));
  const present = managers.filter(
    (one) => one.changes.some((object) => open.has(object)) && !seen.some((author) => managerOf(author) === one),
  );
  return [
    ...seen.map(suspectOf),
    ...present.map(({ name, cure }): Suspect => ({ who: name, because: "present", cure })),
  ];
}
