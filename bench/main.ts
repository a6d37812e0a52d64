/**
 * Every workload by everybody who offers it, in turn in one run, as multiples of the C floor.
 * usage: see `HELP`.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, release, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Netns } from "../lib/netns/netns.ts";
import { runInSandbox, SANDBOX_VARIABLE } from "../lib/testkit/sandbox.ts";
import { Arena, NotOffered, type Outcome } from "./arena.ts";
import { CANDIDATES, type Contestant, download, gather } from "./contestants.ts";
import { figure } from "./figure.ts";
import { curve, type Delay, delayed, line, type Point, page, type Result, type Run } from "./page.ts";
import { EVERYBODY, ROWS, type Row } from "./rows.ts";

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(dirname(here));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "3" },
    scale: { type: "string", default: "1" },
    only: { type: "string" },
    report: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
const rounds = Number(values.rounds);
const scaled = (count: number): number => (count === 1 ? 1 : Math.max(2, Math.round(count * Number(values.scale))));
const wanted = (name: string): boolean => positionals.length === 0 || positionals.includes(name);
const listed = (all: readonly { readonly id: string; readonly title: string }[]): string =>
  all.map(({ id, title }) => `  ${id.padEnd(18)} ${title}`).join("\n");
/** What can be asked for. */
const NAMED = [
  ...ROWS,
  { id: "curve", title: "how cost grows with the size of a table" },
  { id: "delay", title: "how long the event loop is held" },
];
const HELP = `usage: npm run bench [-- --rounds N] [--scale 0.1] [--only floor,ours] [--report] [row…]
  --rounds N         turns of each contestant (3)
  --scale N          part of each count (1)
  --only A,B         contestants that take part (all)
  --report           write docs/performance.md, which says first what was not measured
rows:
${listed(NAMED)}
contestants:
${listed(CANDIDATES)}`;
/** Names the variable that holds the folder for what is built. */
const SCRATCH = "BENCH_SCRATCH";
/** Objects that were there already, and that some readers do not leave out: those of `lo` and the bridge. */
const OTHERS = 16;

/** One contestant's turn, checked. */
function turn(
  arena: Arena,
  row: Row,
  [netns, rehearsal]: readonly [Netns, Netns | undefined],
  contestant: Contestant,
  full: number,
): Outcome & { lost: number } {
  const count = Math.max(1, Math.round(full * (contestant.share?.[row.workload] ?? 1)));
  const counted = (): number => (row.counts === undefined ? 0 : arena.make(netns, row.counts, full).objects);
  const before = counted();
  const outcome = arena.run(netns, contestant.command(row, count), rehearsal);
  const { objects } = outcome;
  const lost = row.events === true ? count - objects : 0;
  const made = counted() - before;
  if (contestant.id !== "empty" && row.counts !== undefined && made !== count)
    throw new Error(`${made} of ${count} objects made`);
  if (row.events !== true && (objects < count || objects > count + OTHERS))
    throw new Error(`${objects} of ${count} objects`);
  if (row.proof !== undefined) arena.run(netns, ["sh", "-c", row.proof]);
  return {
    ...outcome,
    ns: (row.whole || contestant.whole ? outcome.wall : outcome.ns) / (row.events ? objects : count),
    lost,
  };
}

/** Every round of a row; namespaces live until its end. */
async function measure(arena: Arena, row: Row, contestants: readonly Contestant[]): Promise<Result> {
  const count = scaled(row.count);
  const runs = new Map<string, Run>();
  const held: Netns[] = [];
  const fresh = async (): Promise<Netns> => {
    const netns = await Netns.create();
    held.push(netns);
    if (row.before !== undefined) arena.make(netns, row.before, count);
    return netns;
  };
  const present = contestants.filter(({ id }) => (row.only ?? EVERYBODY).includes(id));
  const shared = row.reads ? await fresh() : undefined;
  for (let round = 0; round < rounds; round++)
    for (const contestant of present) {
      const run = runs.get(contestant.id) ?? { times: [], peak: 0, lost: 0 };
      runs.set(contestant.id, run);
      if (run.failure !== undefined || run.absent) continue;
      try {
        const netns = shared ?? (await fresh());
        const rehearsal = contestant.warm ? (shared ?? (await fresh())) : undefined;
        const { ns, peak, lost } = turn(arena, row, [netns, rehearsal], contestant, count);
        run.times.push(ns);
        run.peak = Math.max(run.peak, peak / 1024);
        run.lost = Math.max(run.lost, lost);
      } catch (error) {
        if (error instanceof NotOffered) run.absent = true;
        else if (["floor", "ours", "api", "ours-warm", "api-warm", "again"].includes(contestant.id))
          throw new Error(`${row.id}, ${contestant.title}: ${(error as Error).message}`);
        else run.failure = (error as Error).message;
      }
    }
  await arena.close(held);
  return { row, count, runs };
}

/** The same work for more and more entries. */
async function grow(arena: Arena, contestants: readonly Contestant[]): Promise<Point[]> {
  const points: Point[] = [];
  for (const entries of [1000, 10_000, 100_000, 1_000_000].map(scaled)) {
    const found: Partial<Record<string, number>> = {};
    for (const id of ["floor", "ours"] as const) {
      const { command } = contestants.find((one) => one.id === id) as Contestant;
      const netns = await Netns.create();
      arena.make(netns, "tunnel-made");
      for (const workload of ["entries", "entries-dump"] as const) {
        const row = ROWS.find((one) => one.id === workload) as Row;
        const { ns, objects, peak } = arena.run(netns, command(row, entries));
        if (objects < entries) throw new Error(`${workload}: ${objects} of ${entries} entries`);
        found[`${id} ${workload}`] = ns;
        found[`${id} ${workload} peak`] = peak / 1024;
      }
      await arena.close([netns]);
    }
    points.push({ entries, found });
  }
  return points;
}

async function delays(arena: Arena): Promise<Delay[]> {
  const found: Delay[] = [];
  const scenarios: readonly (readonly [name: string, title: string, count: number, before?: string])[] = [
    ["idle", "nothing", 1],
    ["lock", "requests, while another process makes and removes 200 bridges", 200],
    ["list", "`host.routes.list()`, 100,000 routes", 100_000, "routes-made"],
    ["stream", "`host.routes.stream()`, 100,000 routes", 100_000, "routes-made"],
    ["links", "`host.links.list()`, 2,000 links", 2000, "links-made"],
    ["devconf", "`host.devconf.list()`, 2,000 links", 2000, "links-made"],
    ["entries", "`host.fdb.batch()`, 100,000 entries", 100_000, "tunnel-made"],
    ["routes", "`host.routes.batch()`, 50,000 routes", 50_000, "device-made"],
    ["addresses", "`host.addresses.batch()` and `list()`, 10,000 addresses", 10_000, "device-made"],
  ];
  for (const [name, title, full, before] of scenarios) {
    const count = scaled(full);
    const netns = await Netns.create();
    if (before !== undefined) arena.make(netns, before, count);
    const program = [process.execPath, join(here, "delay.js"), name, String(count)];
    const all = Array.from({ length: rounds }, () => arena.run<{ p99: number; max: number }>(netns, program));
    await arena.close([netns]);
    const worst = (key: "p99" | "max" | "peak"): number => Math.max(...all.map((one) => one[key]));
    found.push({
      title,
      objects: all[0]?.objects ?? 0,
      p99: worst("p99"),
      max: worst("max"),
      peak: worst("peak") / 1024,
    });
  }
  return found;
}

/** What the machine is, so that figures of two machines are not mixed up. */
function machine(): string {
  const [cpu] = cpus();
  const memory = /MemTotal:\s+(\d+)/.exec(readFileSync("/proc/meminfo", "utf8"))?.[1];
  const gibibytes = (Number(memory) / 2 ** 20).toFixed(0);
  return `${cpus().length} × ${cpu?.model.trim()}, ${gibibytes} GiB, Linux ${release()}, Node ${process.version}`;
}
const commit = (): string =>
  execFileSync("git", ["-c", "safe.directory=*", "rev-parse", "--short", "HEAD"], {
    cwd: root,
    encoding: "utf8",
  }).trim();
const load = (): string => readFileSync("/proc/loadavg", "utf8").split(" ").slice(0, 2).join(" and ");

async function bench(scratch: string): Promise<void> {
  const sources = join(root, "bench");
  const arena = new Arena(sources, scratch);
  const { present, missing } = gather({ sources, here, scratch, floor: arena.floor }, values.only?.split(","));
  for (const { title, install } of missing) console.log(`${title} is not here: ${install}`);
  const loadBefore = load();
  const results: Result[] = [];
  for (const row of ROWS)
    if (wanted(row.id)) {
      const result = await measure(arena, row, present);
      results.push(result);
      console.log(line(result, present));
    }
  // After the rows already: the largest table takes minutes to read, and what is measured shall not be lost with it.
  const save = (points: readonly Point[], delays: readonly Delay[]): void => {
    if (!values.report) return;
    const facts = {
      machine: machine(),
      commit: commit(),
      date: new Date().toISOString().slice(0, 10),
      command: `npm run bench -- ${process.argv.slice(2).join(" ")}`,
      rounds,
      scale: Number(values.scale),
      only: values.only,
      load: [loadBefore, load()] as const,
    };
    if (points.length > 0) writeFileSync(join(root, "docs/performance.svg"), figure(points));
    writeFileSync(join(root, "docs/performance.md"), page({ facts, results, present, missing, points, delays }));
  };
  save([], []);
  const points = wanted("curve") ? await grow(arena, present) : [];
  if (points.length > 0) console.log(curve(points));
  const waits = wanted("delay") ? await delays(arena) : [];
  if (waits.length > 0) console.log(delayed(waits));
  save(points, waits);
}

/** Outside of the sandbox: whatever needs the network, and a folder that is removed at the end. */
async function enter(): Promise<number> {
  const scratch = mkdtempSync(join(tmpdir(), "linkwright-bench-"));
  try {
    download(scratch);
    const command = [process.execPath, fileURLToPath(import.meta.url), ...process.argv.slice(2)];
    return await runInSandbox(command, { env: { ...process.env, [SCRATCH]: scratch } });
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

const scratch = process.env[SCRATCH];
const unknown = positionals.find((name) => NAMED.every(({ id }) => id !== name));
if (unknown !== undefined) throw new TypeError(`there is no row ${unknown}: ${NAMED.map(({ id }) => id).join(", ")}`);
if (values.help) console.log(HELP);
else if (process.env[SANDBOX_VARIABLE] === undefined || scratch === undefined) process.exitCode = await enter();
else await bench(scratch);
