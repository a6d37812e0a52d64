/** Who is likely to have changed what differs. Pure: who was seen, and who is there, is given. */
import type { Finding } from "../state/verify.ts";
import type { Author } from "./authors.ts";
import type { Manager } from "./managers.ts";

/** Somebody who may have done it. */
export interface Suspect {
  /** `systemd-networkd`, `ip (process 4711)`. */
  readonly who: string;
  /** `seen`: the kernel named it when something changed. `present`: it runs here, and is known to change such things. */
  readonly because: "seen" | "present";
  /** What it takes that it does so no more, where that is known. */
  readonly cure?: string;
}

function suspectOf({ pid, command }: Author, managers: readonly Manager[]): Suspect {
  const known = managers.find((one) => one.command === command);
  const who = known?.name ?? command ?? "a program that has ended";
  return { who: `${who} (process ${pid})`, because: "seen", ...(known !== undefined && { cure: known.cure }) };
}

/** Those who were seen, the latest first; without any, those who run here and are known to change such things. */
export function suspectsOf(
  differences: readonly Finding[],
  authors: readonly Author[],
  managers: readonly Manager[],
): readonly Suspect[] {
  if (differences.length === 0) return [];
  if (authors.length > 0) return [...authors].reverse().map((author) => suspectOf(author, managers));
  const objects = new Set(differences.map(({ object }) => object));
  return managers
    .filter(({ changes }) => changes.some((object) => objects.has(object)))
    .map(({ name, cure }) => ({ who: name, because: "present", cure }));
}
