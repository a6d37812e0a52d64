/**
 * Figures on what survives: random transitions, kills at every call, faults of the conversation, applications that nobody
 * confirms, documents in any order, changes by others. Each is printed as `name: value (target)`.
 * usage: npm run test:reliability [-- --slice] [--share 0.1] [--report] [--seed N] [task…]
 */
import { execFileSync, spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { cpus, release, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { runInSandbox, SANDBOX_VARIABLE } from "../../lib/testkit/sandbox.ts";
import { confirms } from "./confirms.ts";
import { drifts } from "./drifts.ts";
import { faults } from "./faults.ts";
import { allOf, type Figure, type Kept, line, noneOf, page, told } from "./figures.ts";
import { mountMemory } from "./host.ts";
import { type Killer, kills, victimsOf } from "./kills.ts";
import { orders } from "./orders.ts";
import { NO_TRANSITIONS, sum, type Transitions, transitions } from "./transitions.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    slice: { type: "boolean", default: false },
    report: { type: "boolean", default: false },
    seed: { type: "string", default: "1" },
    /** How much of the whole; what is less than the target is told as missed. */
    share: { type: "string", default: "1" },
    /** One task in this process, which sends its figures to the one that started it. */
    only: { type: "string" },
    /** So many transitions in this process, which sends what became of them. */
    some: { type: "string" },
  },
});
const slice = values.slice;
const seed = Number(values.seed);
const share = Number(values.share);
const scaled = (count: number): number => Math.ceil(count * share);

/** A slice does without those that a test tries all of: a program's own before whatever it changes. */
const KILL_STEP = slice ? 37 : Math.ceil(1 / share);
const FAULT_STEP = slice ? 211 : Math.ceil(1 / share);

/** Of all moments that there are, whatever part is tried. */
async function killed(killer: Killer): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const name of victimsOf(killer)) {
    const { all, killed, recovered, faults } = await kills(name, killer, KILL_STEP);
    const where =
      killer === "at calls" ? "before each call and within each line" : `by strace at each call for ${killer}`;
    figures.push(allOf(`${name}, killed ${where}: recovered`, recovered, killed, slice ? killed : all, faults));
  }
  return figures;
}

/** Processes that make transitions at once: the kernel lets each wait for most of the time. */
const PARTS = 3;

/** As even as can be. */
const parts = (count: number): readonly number[] =>
  Array.from({ length: PARTS }, (_, i) => Math.floor((count + i) / PARTS)).filter((some) => some > 0);

type Task = (directory: string) => Promise<Figure[]>;

const TASKS: Readonly<Record<string, Task>> = {
  transitions: async () => {
    const target = slice ? 200 : 10_000;
    const count = slice ? target : scaled(target);
    const all = sum(await Promise.all(parts(count).map((some, i) => transitionsInProcess(some, seed + i * target))));
    const { exact, unchanged, refused, leaked, descriptors, namespaces, faults } = all;
    return [
      allOf(
        "random transitions verified and rolled back, or refused and undone",
        exact + unchanged + refused,
        count,
        target,
        faults,
      ),
      told("of these, refused by the kernel and undone", refused),
      told("of these, with nothing to do from the one to the other", unchanged),
      noneOf("leaked objects, nft objects, changed sysctls", leaked),
      noneOf("leaked descriptors", descriptors),
      noneOf("leaked namespaces", namespaces),
    ];
  },
  kills: () => killed("at calls"),
  "kills-netlink": () => killed("netlink"),
  "kills-files": () => killed("files"),
  faults: async (directory) => {
    const { tried, all, kept, undone, recovered, faults: wrong } = await faults(directory, FAULT_STEP, seed);
    return [
      allOf(
        "faults on the way: in time, with a code, and the old state or the new",
        kept + undone + recovered,
        tried,
        slice ? tried : all,
        wrong,
      ),
      told("of these, done all the same", kept),
      told("of these, undone at once", undone),
      told("of these, undone by the next recover, which was said", recovered),
    ];
  },
  confirms: async (directory) => {
    const { tried, reverted, faults: wrong } = await confirms(directory, slice ? 50 : 1 / share);
    return [allOf("applications that nobody confirmed, reverted", reverted, tried, slice ? 10 : 500, wrong)];
  },
  orders: async (directory) => {
    const { documents, same, refused, faults: wrong } = await orders(slice ? 5 : scaled(500), seed, directory);
    return [
      allOf(
        "documents, each applied in 6 orders: one plan, one host",
        same + refused,
        documents,
        slice ? 5 : 500,
        wrong,
      ),
      told("of these, refused by the kernel in each", refused),
    ];
  },
  drifts: async (directory) => {
    const { made, reported, faults: wrong } = await drifts(slice ? 50 : scaled(1000), seed, directory);
    return [allOf("changes by others, reported with what was changed", reported, made, slice ? 50 : 1000, wrong)];
  },
};

function taskOf(name: string): Task {
  const task = TASKS[name];
  if (task === undefined) throw new TypeError(`there is no task ${name}: ${Object.keys(TASKS).join(", ")}`);
  return task;
}

/** Sends what a task comes to, which has room in memory for its journals. */
async function answer(task: (directory: string) => Promise<object>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "linkwright-reliability-"));
  await mountMemory(directory, 256 * 1024 * 1024);
  const result = await task(directory);
  const { send } = process;
  if (send !== undefined) await new Promise((sent) => send.call(process, result, sent));
  process.disconnect?.();
  execFileSync("umount", ["--lazy", directory]);
  await rm(directory, { recursive: true, force: true });
}

/** What this program answers in a process of its own: what one leaves behind is not another's. */
function inProcess<T>(options: readonly string[], unanswered: T): Promise<T> {
  return new Promise((resolve) => {
    const args = [fileURLToPath(import.meta.url), ...process.argv.slice(2), ...options];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    let answered = unanswered;
    child.on("message", (message) => {
      answered = message as T;
    });
    child.on("close", () => resolve(answered));
  });
}

function figuresOf(name: string): Promise<Figure[]> {
  const faults = [`see what ${name} printed`];
  const none = { name, value: "ended without a figure", target: "a figure", met: false, faults };
  return inProcess(["--only", name], [none]);
}

function transitionsInProcess(count: number, first: number): Promise<Transitions> {
  const none = { ...NO_TRANSITIONS, wrong: count, faults: [`those from seed ${first} on ended without a word`] };
  return inProcess(["--some", String(count), "--seed", String(first)], none);
}

/** Tasks that are under way at once. */
const AT_ONCE = 2;

/** Runs tasks; what is told of each goes on at once. Whether all that was wanted was met. */
async function measure(
  names: readonly string[],
  kept: (name: string, figures: readonly Figure[]) => void,
): Promise<boolean> {
  const left = names.values();
  let good = true;
  const some = async (): Promise<void> => {
    for (const name of left) {
      const figures = await figuresOf(name);
      for (const figure of figures) console.log([line(figure), ...figure.faults].join("\n"));
      good &&= figures.every(({ met }) => met);
      kept(name, figures);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, some));
  return good;
}

const PAGE = "docs/reliability.md";
const KEPT = "docs/reliability.json";

/** Keeps a task's figures, and writes the page of all that are kept. */
function reporter(): (name: string, figures: readonly Figure[]) => void {
  const git = (...args: string[]): string => execFileSync("git", args, { encoding: "utf8" }).trim();
  const begin = performance.now();
  const facts = {
    command: ["npm run test:reliability --", ...process.argv.slice(2)].join(" "),
    machine: `Linux ${release()}, ${cpus().length} processors, Node ${process.versions.node}`,
    commit: git("rev-parse", "--short", "HEAD"),
    date: new Date().toISOString().slice(0, 10),
    share,
  };
  return (name, figures) => {
    const run = { ...facts, minutes: Math.ceil((performance.now() - begin) / 60_000) };
    const before = existsSync(KEPT) ? (JSON.parse(readFileSync(KEPT, "utf8")) as Kept) : {};
    const kept: Kept = { ...before, [name]: { run, figures } };
    writeFileSync(KEPT, `${JSON.stringify(kept, null, 2)}\n`);
    writeFileSync(PAGE, page(kept, Object.keys(TASKS)));
  };
}

async function main(): Promise<void> {
  const { only, some } = values;
  if (some !== undefined) return await answer((directory) => transitions(Number(some), seed, directory));
  if (only !== undefined) return await answer(taskOf(only));
  const root = join(dirname(fileURLToPath(import.meta.url)), "../../..");
  process.chdir(root);
  if (values.report && slice) throw new TypeError("--slice is for CI: its figures are not for the report");
  const names = positionals.length > 0 ? positionals : Object.keys(TASKS);
  if (!(await measure(names, values.report ? reporter() : () => undefined))) process.exitCode = 1;
}

if (process.env[SANDBOX_VARIABLE] === undefined)
  process.exitCode = await runInSandbox([process.execPath, fileURLToPath(import.meta.url), ...process.argv.slice(2)]);
else await main();
