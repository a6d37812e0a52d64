/**
 * Every workload against the C floor, in turn and each in a fresh network namespace, as ratios of medians.
 * usage: npm run bench [-- --rounds N] [--scale 0.1] [workload…]
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { runInSandbox, SANDBOX_VARIABLE } from "../lib/testkit/sandbox.ts";

interface Row {
  readonly workload: string;
  readonly title: string;
  readonly count: number;
  /** The most that design section 10 allows, as a multiple of the floor. */
  readonly most: number;
  readonly inline?: true;
}
const ROWS: readonly Row[] = [
  { workload: "bridges-each", title: "create 100 bridges one by one", count: 100, most: 1.05 },
  { workload: "bridges", title: "create 100 bridges, pipelined", count: 100, most: 1 },
  { workload: "vxlans", title: "1,000 VXLAN created, enslaved, up", count: 1000, most: 1.03 },
  { workload: "links-dump", title: "dump 2,000 links, decoded", count: 2000, most: 1.6 },
  { workload: "routes", title: "add 100,000 routes, pipelined", count: 100_000, most: 1.1 },
  { workload: "routes-dump", title: "dump 100,000 routes, decoded", count: 100_000, most: 1.5 },
  { workload: "entries", title: "append 100,000 FDB entries, pipelined", count: 100_000, most: 1.1 },
  { workload: "entries-dump", title: "dump 100,000 FDB entries, decoded", count: 100_000, most: 1.05 },
  { workload: "round-trip", title: "one request, I/O thread (default)", count: 20_000, most: 5 },
  { workload: "round-trip", title: "one request, calling thread", count: 20_000, most: 1.4, inline: true },
];

const here = dirname(fileURLToPath(import.meta.url));
const source = join(dirname(dirname(here)), "bench/floor.c");
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: "string", default: "5" }, scale: { type: "string", default: "1" } },
});

/**
 * Runs a contestant in a namespace of its own; nanoseconds, after a check of what it says it did. What a dump is to
 * find there is made by the floor before, so that every contestant starts cold.
 */
function run(floor: string, workload: string, count: number, command: readonly string[]): number {
  const make = workload.endsWith("-dump") ? '"$0" "$1" "$2" >/dev/null && ' : "";
  const made = [floor, workload.replace("-dump", "-made"), String(count)];
  const script = ["--net", "sh", "-c", `${make}shift 2 && exec "$@"`, ...made, ...command];
  const { stdout, stderr, status } = spawnSync("unshare", script, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${command.join(" ")}: ${stderr}`);
  const { ns, objects } = JSON.parse(stdout) as { ns: number; objects: number };
  if (objects < count || objects > count + 2)
    throw new Error(`${command.join(" ")}: ${objects} objects instead of ${count}`);
  return ns;
}

/** Waits until the kernel has taken the last namespace apart, which holds the lock that all of this needs. */
function settle(floor: string): void {
  for (let quiet = 0, tries = 0; quiet < 3 && tries < 200; tries++)
    quiet = run(floor, "bridges-each", 1, [floor, "bridges-each", "1"]) < 2_000_000 ? quiet + 1 : 0;
}

const median = (list: readonly number[]): number => [...list].sort((a, b) => a - b)[list.length >> 1] ?? Number.NaN;

function measure(row: Row, floor: string, rounds: number, scale: number): string {
  const count = Math.max(2, Math.round(row.count * scale));
  const ours = [
    process.execPath,
    join(here, "ours.js"),
    row.workload,
    String(count),
    ...(row.inline ? ["inline"] : []),
  ];
  const times = Array.from({ length: rounds }, () => {
    settle(floor);
    const base = run(floor, row.workload, count, [floor, row.workload, String(count)]);
    settle(floor);
    return { base, own: run(floor, row.workload, count, ours) };
  });
  const [base, own] = [median(times.map((one) => one.base)), median(times.map((one) => one.own))];
  const each = (ns: number): string => `${(ns / count / 1000).toFixed(2).padStart(8)} us`;
  const ratio = (own / base).toFixed(2).padStart(5);
  return `${row.title.padEnd(40)} floor ${each(base)}   ours ${each(own)}   ratio ${ratio}   target ${row.most.toFixed(2)}`;
}

async function main(): Promise<number> {
  if (process.env[SANDBOX_VARIABLE] === undefined)
    return await runInSandbox([process.execPath, fileURLToPath(import.meta.url), ...process.argv.slice(2)]);
  const scratch = mkdtempSync(join(tmpdir(), "linkwright-bench-"));
  try {
    const floor = join(scratch, "floor");
    const { status, stderr } = spawnSync("cc", ["-O2", "-o", floor, source], { encoding: "utf8" });
    if (status !== 0) throw new Error(`cannot build the floor: ${stderr}`);
    for (const row of ROWS)
      if (positionals.length === 0 || positionals.includes(row.workload))
        console.log(measure(row, floor, Number(values.rounds), Number(values.scale)));
    return 0;
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

process.exitCode = await main();
