/**
 * How much of what could be wrong in planner, journal and validators the unit tests notice: Stryker changes one thing at a
 * time and runs the tests that come by there. Prints `mutation score of …: N % (85 %)`.
 * usage: npm run test:mutation [-- --slice] [--report] [--survivors] [--incremental] [--quick] [--concurrency N] [group or file…]
 *        npm run test:mutation -- --page
 */
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { release } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { MutantResult } from "@stryker-mutator/api/core";
import { Stryker } from "@stryker-mutator/core";
import { type Facts, type Known, line, merged, page, type Score, scoreOf } from "./scores.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    /** One small file. */
    slice: { type: "boolean", default: false },
    report: { type: "boolean", default: false },
    /** Runs nothing: writes the page anew of what is known. */
    page: { type: "boolean", default: false },
    survivors: { type: "boolean", default: false },
    /** Takes over what a former run found of what has not changed since. */
    incremental: { type: "boolean", default: false },
    /** Leaves out what is made once and kept: each such change takes a process of its own, most of the time. */
    quick: { type: "boolean", default: false },
    concurrency: { type: "string", default: "1" },
  },
});

interface Group {
  readonly files: readonly string[];
  /** Tests that are about them: what others notice by the way does not count, and takes long. */
  readonly tests: readonly string[];
}

/** Files in a folder, the tests among them compiled. */
const all = (folder: string, isIn: (file: string) => boolean): string[] =>
  readdirSync(folder).flatMap((file) => (isIn(file) ? [`${folder}/${file}`] : []));
const testsIn = (folder: string): string[] =>
  all(folder, (file) => file.endsWith(".test.ts")).map((file) => `./build/${file.replace(/ts$/, "js")}`);
const testsOf = (folder: string, ...names: readonly string[]): string[] =>
  names.map((name) => `./build/test/${folder}/${name}.test.js`);

const GROUPS: Readonly<Record<string, Group>> = {
  planner: {
    files: [
      ...all("lib/state", (file) => file.startsWith("plan")),
      ...["order", "compare", "gone", "off-and-on", "remove", "restore", "undo"].map((name) => `lib/state/${name}.ts`),
    ],
    // Those of random documents come last, as they take longest.
    tests: testsOf(
      "state",
      "undo",
      "planner",
      "far-ends",
      "link-changes",
      "plans",
      "every-plan",
      "compare",
      "order",
      "explain",
      "verify",
      "apply",
      "properties",
    ),
  },
  journal: {
    files: ["journal", "lines", "undoing", "encoding", "store"].map((name) => `lib/transaction/${name}.ts`),
    tests: testsIn("test/transaction"),
  },
  validators: {
    files: [
      ...["schema", "document", "source", "consistency"].map((name) => `lib/state/${name}.ts`),
      ...["fabric", "overlay-checks", "variables"].map((name) => `lib/fabric/${name}.ts`),
    ],
    tests: [
      ...testsOf("fabric", "fabric", "peers", "overlays", "contradictions"),
      ...testsOf("state", "source", "contradictions", "document"),
    ],
  },
};
const PAGE = "docs/mutation.md";
/** What the page is made of: a run that has some of the files takes the others from here. */
const KNOWN = "docs/mutation.json";
const SLICE = ["lib/transaction/encoding.ts"];

async function mutate({ files, tests }: Group): Promise<readonly MutantResult[]> {
  // Random documents for each of thousands of mutants: few have to do.
  process.env["FC_RUNS"] = "3";
  const stryker = new Stryker({
    mutate: [...files],
    plugins: [fileURLToPath(new URL("./runner.js", import.meta.url))],
    testRunner: "ours",
    compiledTests: tests,
    buildCommand: "tsc -p test --noCheck",
    // It would be read by a compiler of another version.
    tsconfigFile: "none",
    ignorePatterns: ["/build", "/dist"],
    tempDirName: "build/mutation",
    coverageAnalysis: "perTest",
    concurrency: Number(values.concurrency),
    ignoreStatic: values.quick,
    incremental: values.incremental,
    incrementalFile: "build/mutation-results.json",
    timeoutMS: 20_000,
    reporters: [process.stdout.isTTY ? "progress" : "progress-append-only"],
    thresholds: { high: 85, low: 85, break: null },
    warnings: false,
    logLevel: "warn" as never,
    allowConsoleColors: false,
  });
  return await stryker.runMutationTest();
}

function facts(): Facts {
  const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();
  return {
    machine: `Linux ${release()}, Node ${process.versions.node}`,
    commit,
    date: new Date().toISOString().slice(0, 10),
    command: ["npm run test:mutation --", ...process.argv.slice(2)].join(" "),
  };
}

/** Writes down what is known, without the files that are no longer in a group. */
async function write(known: Known): Promise<void> {
  const groups = Object.fromEntries(Object.entries(GROUPS).map(([name, { files }]) => [name, files]));
  const files = Object.values(groups).flat();
  const kept = Object.fromEntries(Object.entries(known).filter(([file]) => files.includes(file)));
  await writeFile(KNOWN, `${JSON.stringify(kept, undefined, 2)}\n`);
  await writeFile(PAGE, page(groups, kept));
}

async function run(asked: readonly string[]): Promise<readonly Score[]> {
  const scores: Score[] = [];
  for (const [name, { files, tests }] of Object.entries(GROUPS)) {
    const some = asked.length === 0 || asked.includes(name) ? files : files.filter((file) => asked.includes(file));
    if (some.length === 0) continue;
    const title = some.length === files.length ? name : `${some.length} of ${files.length} files of ${name}`;
    const score = scoreOf(title, some, await mutate({ files: some, tests }));
    console.log(line(score, values.survivors));
    scores.push(score);
  }
  if (scores.length === 0) throw new TypeError(`expected ${Object.keys(GROUPS).join(", ")}, or files of these`);
  return scores;
}

process.chdir(join(dirname(fileURLToPath(import.meta.url)), "../../.."));
const known = JSON.parse(await readFile(KNOWN, "utf8")) as Known;
if (values.page) await write(known);
else {
  const told = facts();
  const scores = await run(values.slice ? SLICE : positionals);
  if (values.report) await write(merged(known, scores, told));
  if (scores.some(({ met }) => !met)) process.exitCode = 1;
}
