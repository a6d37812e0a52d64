/**
 * What tests saw of changes to live objects, kernel by kernel: test/fixtures/tried.txt, which docs/attributes.md shows.
 * `TRIED=FILE` notes there instead what is seen now.
 */
import { appendFileSync, readFileSync } from "node:fs";
import { release } from "node:os";

const FILE = "test/fixtures/tried.txt";
/**
 * What came of a change: the object has it now, or another object has it beside the one that was there; the kernel
 * acknowledged it and did nothing (`kept`), or refused it (`fixed`, or with which error).
 */
export type Outcome = "changes" | "another" | "kept" | "fixed" | `E${string}`;
/** One attempt. */
export interface Attempt {
  readonly outcome: Outcome;
  /** `6.18` */
  readonly kernel: string;
}

/** This machine's, or the lane's. */
const kernel = release().replace(/^(\d+\.\d+).*/, "$1");
const LINE = /^(\S+) (changes|another|kept|fixed|E[A-Z0-9]+) (\d+\.\d+)$/;
let known: ReadonlyMap<string, readonly Attempt[]> | undefined;
/** Attempts by what was tried: the sort of object and the word, as in `vxlan.ttl`. */
export function attempts(): ReadonlyMap<string, readonly Attempt[]> {
  if (known !== undefined) return known;
  const found = new Map<string, readonly Attempt[]>();
  for (const line of readFileSync(FILE, "utf8").split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const [, what, outcome, kernel] = LINE.exec(line) ?? [];
    if (what === undefined || outcome === undefined || kernel === undefined) throw new Error(`${FILE}: ${line}`);
    found.set(what, [...(found.get(what) ?? []), { outcome: outcome as Outcome, kernel }]);
  }
  known = found;
  return found;
}

/**
 * Notes what came of a change, or compares it with what stands there: of this kernel, or, where it was not asked before,
 * of any.
 */
export function tried(what: string, outcome: Outcome): void {
  const file = process.env["TRIED"];
  if (file !== undefined) {
    appendFileSync(file, `${what} ${outcome} ${kernel}\n`);
    return;
  }
  const all = attempts().get(what) ?? [];
  const here = all.filter((one) => one.kernel === kernel);
  const said = here.length > 0 ? here : all;
  if (said.length > 0 && !said.some((one) => one.outcome === outcome))
    throw new Error(
      `${what}: ${outcome} on Linux ${kernel}, and ${FILE} says ${said.map((one) => `${one.outcome} on ${one.kernel}`).join(", ")}`,
    );
}

/** Whether it was tried on this kernel. */
export const wasTried = (what: string): boolean =>
  attempts()
    .get(what)
    ?.some((one) => one.kernel === kernel) ?? false;
