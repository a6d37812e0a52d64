/** What networkd's files cannot hold, with the reason; and the words that they can. */
import type { ListName } from "../state/entries/sort.ts";
import type { Path } from "../state/error.ts";
import type { Key, Keys } from "./keys.ts";
import type { Entry } from "./section.ts";

/** Something of the document that is not in networkd's files. */
export interface Unsaid {
  /** Where in the document. */
  readonly path: Path;
  readonly reason: string;
  /** What carries it instead: the packet filter's file, `apply` at boot, or nothing, where it is only to be known. */
  readonly by: "nftables" | "apply" | "nothing";
}

/** Collects what is not said. */
export class Unsayable {
  readonly all: Unsaid[] = [];
  /** Sorts of entries of which `apply` makes some. */
  readonly applied = new Set<ListName>();
  readonly version: number;

  constructor(version: number) {
    this.version = version;
  }

  /** It is done by `linkwright apply` when the machine starts. */
  leave(path: Path, reason: string, makes?: ListName): void {
    if (makes !== undefined) this.applied.add(makes);
    this.all.push({ path, reason, by: "apply" });
  }

  note(path: Path, reason: string, by: Unsaid["by"] = "nothing"): void {
    this.all.push({ path, reason, by });
  }

  /** Why this version has no word for a value; undefined where it has. */
  reasonFor(known: Key | undefined, value: unknown): string | undefined {
    if (known === undefined) return "networkd has no key for it";
    if (known.since > this.version)
      return `networkd has ${known.key}= since systemd ${known.since}, this is for ${this.version}`;
    return known.form(value) === undefined
      ? `${known.key}= of networkd has no word for ${JSON.stringify(value)}`
      : undefined;
  }

  /** The entries for words that all can be said; undefined, and the first reason told, where one cannot. */
  entriesOf(words: Readonly<Record<string, unknown>>, keys: Keys, path: Path, makes?: ListName): Entry[] | undefined {
    const found: Entry[] = [];
    for (const [word, value] of Object.entries(words)) {
      if (value === undefined) continue;
      const known = Object.hasOwn(keys, word) ? keys[word] : undefined;
      const reason = this.reasonFor(known, value);
      if (reason !== undefined) {
        this.leave(path, `${word}: ${reason}`, makes);
        return undefined;
      }
      if (known !== undefined) found.push([known.key, known.form(value) ?? ""]);
    }
    return found;
  }
}
