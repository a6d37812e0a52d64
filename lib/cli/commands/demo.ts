/** `linkwright demo` */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { readSource } from "../../state/index.ts";
import { Lab } from "../../testkit/lab.ts";
import type { Invocation, Run } from "../command.ts";
import { Narrator } from "../demo/narrator.ts";
import { apply, internet, picture, right, setStage, sizes, tls, wrong } from "../demo/story.ts";
import { CommandError, EXIT } from "../failure.ts";
import { inside } from "../inside.ts";
import { counted, printJson } from "../report.ts";
import { PLAIN } from "../terminal.ts";

/** A file of the package's examples, found from the package and the sources as from a test build. */
function example(name: string): string {
  for (const up of ["../../..", "../../../.."]) {
    const file = fileURLToPath(new URL(`${up}/examples/${name}`, import.meta.url));
    if (existsSync(file)) return file;
  }
  throw new CommandError(`examples/${name} is missing from this package`, "ENOENT");
}

async function tell({ given, terminal }: Invocation): Promise<number> {
  const start = performance.now();
  const narrator = new Narrator(given.json ? undefined : terminal);
  const source = await readSource(example("two-hosts.yaml"));
  await using lab = await Lab.up(source);
  const stage = await setStage(lab, source, narrator, given.json ? PLAIN : terminal.palette);
  for (const chapter of [apply, sizes, tls, internet, wrong, right, picture]) await chapter(stage);
  const ms = Math.round(performance.now() - start);
  const { ok, chapters } = narrator;
  if (given.json) printJson({ ok, ms, chapters }, terminal);
  else {
    narrator.summary();
    const checks = chapters.reduce((sum, one) => sum + one.checks.length, 0);
    const verdict = ok ? "all as told" : "NOT all as told";
    terminal.line();
    terminal.line(
      `${counted(checks, "step")}, ${verdict}, in ${(ms / 1000).toFixed(1)} s. Nothing of it is left on this machine.`,
    );
  }
  return ok ? EXIT.OK : EXIT.ERROR;
}

/** Tells the story, and checks that everything happens as told. */
export const run: Run = inside(tell);
