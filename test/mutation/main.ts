/**
 * How much of what could be wrong in planner, journal and validators the unit tests notice: Stryker changes one thing at a
 * time and runs the tests that come by there. Prints `mutation score of …: N % (85 %)`.
 * usage: npm run test:mutation [-- --slice] [--report] [--survivors] [--incremental] [--concurrency N] [group or file…]
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
import { type Facts, line, page, type Score, scoreOf } from "./scores.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    /** One small file of each group. */
    slice: { type: "boolean", default: false },
    report: { type: "boolean", default: false },
    survivors: { type: "boolean", default: false },
    /** Takes over what a former run found of what has not changed since. */
    incremental: { type: "boolean", default: false },
    concurrency: { type: "string", default: "1" },
  },
});

const GROUPS: Readonly<Record<string, readonly string[]>> = {
  planner: [
    ...readdirSync("lib/state")
      .filter((file) => file.startsWith("plan"))
      .map((file) => `lib/state/${file}`),
    ...["order", "compare", "gone", "off-and-on", "remove", "undo"].map((name) => `lib/state/${name}.ts`),
  ],
  journal: ["journal", "encoding", "store"].map((name) => `lib/transaction/${name}.ts`),
  validators: [
    ...["schema", "document", "source", "consistency"].map((name) => `lib/state/${name}.ts`),
    ...["fabric", "variables"].map((name) => `lib/fabric/${name}.ts`),
  ],
};
const PAGE = "docs/mutation.md";
const SLICE = ["lib/state/order.ts", "lib/transaction/encoding.ts", "lib/fabric/variables.ts"];

/** Where the tests are; those of random documents come last, as they take longest. */
const FOLDERS = ["test/state", "test/transaction", "test/fabric"];
function tests(): readonly string[] {
  const all = FOLDERS.flatMap((folder) =>
    readdirSync(folder)
      .filter((file) => file.endsWith(".test.ts"))
      .map((file) => `./build/${folder}/${file.replace(/ts$/, "js")}`),
  );
  const isLong = (file: string): boolean => file.includes("properties");
  return [...all.filter((file) => !isLong(file)), ...all.filter(isLong)];
}

async function mutate(files: readonly string[]): Promise<readonly MutantResult[]> {
  // Random documents for each of thousands of mutants: few have to do.
  process.env["FC_RUNS"] = "3";
  const stryker = new Stryker({
    mutate: [...files],
    plugins: [fileURLToPath(new URL("./runner.js", import.meta.url))],
    testRunner: "ours",
    compiledTests: tests(),
    buildCommand: "tsc -p test --noCheck",
    // It would be read by a compiler of another version.
    tsconfigFile: "none",
    ignorePatterns: ["/build", "/dist"],
    tempDirName: "build/mutation",
    coverageAnalysis: "perTest",
    concurrency: Number(values.concurrency),
    incremental: values.incremental,
    incrementalFile: "build/mutation-results.json",
    timeoutMS: 20_000,
    reporters: [process.stdout.isTTY ? "progress" : "json"],
    jsonReporter: { fileName: "build/mutation.json" },
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

process.chdir(join(dirname(fileURLToPath(import.meta.url)), "../../.."));
const asked = values.slice ? SLICE : positionals;
const groups = Object.entries(GROUPS)
  .map(([name, files]): [string, readonly string[]] => [
    name,
    asked.length === 0 || asked.includes(name) ? files : files.filter((file) => asked.includes(file)),
  ])
  .filter(([, files]) => files.length > 0);
if (groups.length === 0) throw new TypeError(`expected ${Object.keys(GROUPS).join(", ")}, or files of these`);
const mutants = await mutate(groups.flatMap(([, files]) => files));
const scores = groups.map(([name, files]): Score => scoreOf(name, files, mutants));
for (const score of scores) console.log(line(score, values.survivors));
if (values.report) await writeFile(PAGE, page(scores, facts(), await readFile(PAGE, "utf8").catch(() => "")));
if (scores.some(({ met }) => !met)) process.exitCode = 1;
