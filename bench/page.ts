/** Figures as people read them: lines in the terminal, the page, and the curve. */
import type { Contestant, Missing } from "./contestants.ts";
import { ROWS, type Row } from "./rows.ts";

/** What one contestant did in all rounds of a row. */
export interface Run {
  /** Nanoseconds per object, one of each round. */
  readonly times: number[];
  /** MiB. */
  peak: number;
  /** Events that did not arrive, in the worst round. */
  lost: number;
  failure?: string;
  /** It does not offer this. */
  absent?: boolean;
}
export interface Result {
  readonly row: Row;
  readonly count: number;
  /** By contestant. */
  readonly runs: ReadonlyMap<string, Run>;
}
/** One size of the table that grows: nanoseconds and peaks (MiB), by contestant and workload. */
export interface Point {
  readonly entries: number;
  readonly found: Partial<Record<string, number>>;
}
/** The worst of all rounds, in milliseconds. */
export interface Delay {
  readonly title: string;
  readonly objects: number;
  readonly p99: number;
  readonly max: number;
  /** MiB. */
  readonly peak: number;
}
/** Everything that the page says. */
export interface Measured {
  readonly facts: {
    readonly machine: string;
    readonly commit: string;
    readonly date: string;
    readonly command: string;
    readonly rounds: number;
    /** The part of each count that was done. */
    readonly scale: number;
    /** Who was asked to take part, where it was not everybody. */
    readonly only: string | undefined;
    /** Load averages of one and five minutes before and after. */
    readonly load: readonly [before: string, after: string];
  };
  readonly results: readonly Result[];
  readonly present: readonly Contestant[];
  readonly missing: readonly Missing[];
  readonly points: readonly Point[];
  readonly delays: readonly Delay[];
}

/** Most that the design allows. */
const P99 = 20;
const LONGEST = 50;
/** More than this part lost, and what it cost to receive the rest says nothing. */
const TOO_MANY = 0.1;
/** The shell script has to take so many times as long as we do. */
const SCRIPT = 5;

const number = (value: number): string => value.toLocaleString("en-US");
const rounded = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2));
function median(list: readonly number[]): number {
  const sorted = [...list].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}
const timeOf = ({ runs }: Result, id: string): number => median(runs.get(id)?.times ?? []);
/** As a multiple of the row's base. */
const ratioOf = (result: Result, id: string): number => timeOf(result, id) / timeOf(result, result.row.base);
function duration(ns: number): string {
  return ns >= 1e6 ? `${rounded(ns / 1e6)} ms` : `${rounded(ns / 1e3)} µs`;
}

/** A contestant's figure, or why there is none. */
function cell(result: Result, id: string): string {
  const run = result.runs.get(id);
  if (run === undefined || run.absent) return "–";
  if (run.failure !== undefined) return "failed";
  const lost = run.lost > 0 ? `${number(run.lost)} lost` : "";
  if (run.lost > TOO_MANY * result.count) return lost;
  return [rounded(ratioOf(result, id)), lost && `(${lost})`].join(" ").trim();
}

/** What we have in it, and what the page calls each in a sentence. */
const OURS = { ours: "the wire layer", api: "`Host`" } as const;
/** The same, once it has done the same before. */
const WARM = { ours: "ours-warm", api: "api-warm" } as const;
type Own = keyof typeof OURS;
const OWN = Object.keys(OURS) as readonly Own[];
const ran = ({ runs }: Result, id: string): boolean => (runs.get(id)?.times.length ?? 0) > 0;
const lostTooMany = ({ runs, count }: Result, id: string): boolean => (runs.get(id)?.lost ?? 0) > TOO_MANY * count;

/** The figure with which one of ours misses the row's target. */
function miss(result: Result, id: string): string | undefined {
  const { most } = result.row;
  if (most === undefined || !ran(result, id)) return undefined;
  if (lostTooMany(result, id)) return cell(result, id);
  const ratio = ratioOf(result, id);
  return Number(ratio.toFixed(2)) <= most ? undefined : rounded(ratio);
}
/** The target of a row, and who misses it. */
function verdict(result: Result): string {
  const { most } = result.row;
  if (most === undefined) return "none";
  const missed = OWN.flatMap((id) => {
    const figure = miss(result, id);
    return figure === undefined ? [] : [`${OURS[id]} (${figure})`];
  });
  if (missed.length > 0) return `${most} **missed** by ${missed.join(" and ")}`;
  return `${most} ${OWN.some((id) => ran(result, id)) ? "met" : "not judged"}`;
}
/** Peers that were quicker than one of ours. */
function ahead(result: Result, present: readonly Contestant[], own: Own): string[] {
  const none = ["floor", "again", ...OWN, ...Object.values(WARM), "empty", result.row.base];
  const others = present.filter(({ id }) => !none.includes(id));
  return others
    .filter(({ id }) => !lostTooMany(result, id) && ratioOf(result, id) < ratioOf(result, own))
    .map(({ title }) => title);
}

/** A row in the terminal. */
export function line(result: Result, present: readonly Contestant[]): string {
  const { row, count } = result;
  const figures = present
    .filter(({ id }) => result.runs.has(id) && !result.runs.get(id)?.absent)
    .map(({ id, title }) => {
      const run = result.runs.get(id) as Run;
      const failure = run.failure === undefined ? "" : ` (${run.failure})`;
      return `  ${title.replaceAll("`", "").padEnd(24)} ${cell(result, id).padStart(8)}   ${rounded(run.peak)} MiB${failure}`;
    });
  const title = `${row.title}, ${number(count)}: ${row.base} ${duration(timeOf(result, row.base))} each; target ${verdict(result)}`;
  return [title, ...figures].join("\n");
}

const WORKLOADS = { entries: "append", "entries-dump": "dump" } as const;
/** Nanoseconds per entry. */
const each = ({ entries, found }: Point, key: string): number => (found[key] ?? Number.NaN) / entries;

export function curve(points: readonly Point[]): string {
  return points
    .map((point) => {
      const columns = Object.entries(WORKLOADS).flatMap(([workload, word]) =>
        ["floor", "ours"].map((id) => `${id} ${word} ${duration(each(point, `${id} ${workload}`))}`),
      );
      return `${number(point.entries).padStart(9)} entries, each: ${columns.join(", ")}`;
    })
    .join("\n");
}
export function delayed(delays: readonly Delay[]): string {
  return delays
    .map(
      ({ title, p99, max, objects }) =>
        `${title} (${number(objects)}): p99 ${rounded(p99)} ms, longest ${rounded(max)} ms`,
    )
    .join("\n");
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map((_, i) => (i === 0 ? "---" : "---:")), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");

/** Contestants with a column: whoever has a figure against this base. */
function columns(results: readonly Result[], present: readonly Contestant[]): readonly Contestant[] {
  return present.filter(({ id }) => results.some(({ row, runs }) => row.base !== id && runs.has(id)));
}

function ratios(results: readonly Result[], present: readonly Contestant[]): string {
  const shown = columns(results, present).filter(({ warm }) => !warm);
  const head = ["workload", "1 is", "target", ...shown.map(({ title }) => title)];
  const rows = results.map((result) => {
    const { row, count } = result;
    const base = present.find(({ id }) => id === row.base)?.title ?? row.base;
    const cells = shown.map(({ id }) => {
      const text = cell(result, id);
      return id in OURS && ran(result, id) ? `**${text}**${miss(result, id) === undefined ? "" : " ✗"}` : text;
    });
    const each = count === 1 ? "" : " each";
    return [
      `${row.title}, ${number(count)}`,
      `${base}, ${duration(timeOf(result, row.base))}${each}`,
      `${row.most ?? "–"}`,
      ...cells,
    ];
  });
  return table(head, rows);
}

/** What a program sees that runs for long, beside the peers that are quickest. */
function warm(results: readonly Result[], present: readonly Contestant[]): string {
  const both = results.filter((result) => OWN.some((id) => ran(result, WARM[id])));
  if (both.length === 0) return "Not measured in this run.";
  const peers = present.filter(({ id }) => ["iproute2", "vishvananda", "rtnetlink"].includes(id));
  const head = [
    "workload",
    "target",
    ...OWN.flatMap((id) => [`${OURS[id]}, cold`, "warm"]),
    ...peers.map(({ title }) => title),
  ];
  const rows = both.map((result) => [
    `${result.row.title}, ${number(result.count)}`,
    `${result.row.most ?? "–"}`,
    ...OWN.flatMap((id) => [
      cell(result, id),
      `**${cell(result, WARM[id])}**${miss(result, WARM[id]) === undefined ? "" : " ✗"}`,
    ]),
    ...peers.map(({ id }) => cell(result, id)),
  ]);
  return table(head, rows);
}

function memory(results: readonly Result[], present: readonly Contestant[]): string {
  const shown = present.filter(
    ({ id, warm }) => id !== "again" && !warm && results.some(({ runs }) => runs.get(id)?.peak),
  );
  const rows = results.map(({ row, runs }) => [
    row.title,
    ...shown.map(({ id }) => {
      const peak = runs.get(id)?.peak;
      return peak ? peak.toFixed(peak < 10 ? 1 : 0) : "–";
    }),
  ]);
  return table(["peak memory, MiB", ...shown.map(({ title }) => title)], rows);
}

/** What did not come out as it should, in words. */
function shortfalls({ results, present, delays }: Measured): string[] {
  const missed = results
    .filter((result) => OWN.some((id) => miss(result, id) !== undefined))
    .map((result) => `${result.row.title}: target ${verdict(result)}.`);
  const ofEach = results.flatMap((result) => OWN.map((id) => ({ result, id, title: result.row.title })));
  const behind = ofEach.flatMap(({ result, id, title }) => {
    const quicker = ahead(result, present, id);
    return quicker.length === 0 ? [] : [`${title}: quicker than ${OURS[id]}: ${quicker.join(", ")}.`];
  });
  const lost = ofEach.flatMap(({ result, id, title }) => {
    const events = result.runs.get(id)?.lost ?? 0;
    return events > 0 ? [`${title}: ${OURS[id]} lost ${number(events)} in the worst round.`] : [];
  });
  const script = ofEach.flatMap(({ result, id, title }) => {
    if (result.row.base === "shell" || !ran(result, "shell") || !ran(result, id)) return [];
    const times = timeOf(result, "shell") / timeOf(result, id);
    if (times >= SCRIPT) return [];
    return [
      `${title}: the shell script takes ${rounded(times)} times as long as ${OURS[id]}; ${SCRIPT} was the target.`,
    ];
  });
  const held = delays
    .filter(({ p99, max }) => p99 >= P99 || max >= LONGEST)
    .map(
      ({ title, p99, max }) =>
        `Event loop, ${title}: p99 ${rounded(p99)} ms, longest ${rounded(max)} ms; ${P99} and ${LONGEST} were the target.`,
    );
  const failures = results.flatMap(({ row, runs }) =>
    present.flatMap(({ id, title }) => {
      const failure = runs.get(id)?.failure;
      return failure === undefined ? [] : [`${row.title}: ${title} failed: \`${failure.replaceAll("`", "'")}\`.`];
    }),
  );
  return [...missed, ...behind, ...lost, ...script, ...held, ...failures];
}

/** What whoever reads the page would look for in vain, or take for more than it is. */
function gaps({ facts, results, missing, points, delays }: Measured): string[] {
  const { rounds, scale, only } = facts;
  const left = ROWS.filter(({ id }) => results.every(({ row }) => row.id !== id)).map(({ title }) => title);
  return [
    ...(scale < 1 ? [`Everything was done at ${scale} of its size: no target counts as met or missed by that.`] : []),
    ...(scale > 1 ? [`Everything was done at ${scale} times its size.`] : []),
    ...(rounds > 1 ? [] : ["There was one round: no figure is a median."]),
    ...(left.length === 0 ? [] : [`Not measured: ${left.join("; ")}.`]),
    ...(points.length > 0 ? [] : ["Not measured: how cost grows (`curve`)."]),
    ...(delays.length > 0 ? [] : ["Not measured: how long the event loop is held (`delay`)."]),
    ...(only === undefined ? [] : [`Asked to take part were only: ${only.replaceAll(",", ", ")}.`]),
    ...(missing.length === 0 ? [] : [`Not installed: ${missing.map(({ title }) => title).join(", ")}.`]),
  ];
}
const list = (lines: readonly string[], none = ""): string =>
  lines.length === 0 ? none : lines.map((text) => `- ${text}`).join("\n");

/** How cost grows, where that was measured. */
function growth(points: readonly Point[]): string {
  if (points.length === 0) return "## Growth\n\nNot measured in this run: `curve` was not among the rows asked for.";
  const head = [
    "entries",
    "append, C floor",
    "append, wire layer",
    "dump, C floor",
    "dump, wire layer",
    "peak of our dump, MiB",
  ];
  const rows = points.map((point) => [
    number(point.entries),
    ...Object.keys(WORKLOADS).flatMap((workload) =>
      ["floor", "ours"].map((id) => `${duration(each(point, `${id} ${workload}`))} each`),
    ),
    rounded(point.found["ours entries-dump peak"] ?? Number.NaN),
  ]);
  const text = `What is appended costs the same whatever is there, as far as the table's lists in the kernel allow. A dump of
one device's entries does not grow linearly for anybody: for each datagram the kernel walks again over all that it has
told already, which the floor pays as we do.`;
  return `## Growth\n\n${text}\n\n![Time for all entries against their number](performance.svg)\n\n${table(head, rows)}`;
}

/** How long others wait meanwhile, where that was measured. */
function waits(delays: readonly Delay[], rounds: number): string {
  if (delays.length === 0) return "Not measured in this run: `delay` was not among the rows asked for.";
  const rows = delays.map(({ title, p99, max, objects, peak }) => [
    title,
    rounded(p99),
    rounded(max),
    number(objects),
    peak.toFixed(0),
    p99 < P99 && max < LONGEST ? "met" : "**missed**",
  ]);
  const head = ["meanwhile", "p99, ms", "longest, ms", "objects", "peak memory, MiB", "target"];
  const worst = rounds > 1 ? `the worst of ${rounds} rounds` : "one round";
  const text = `For how long a timer of 1 ms came late, in ${worst}. Targets: p99 under ${P99} ms, longest under ${LONGEST} ms.`;
  return `${text}\n\n${table(head, rows)}`;
}

/** docs/performance.md */
export function page(measured: Measured): string {
  const { facts, results, present, missing, points, delays } = measured;
  const short = shortfalls(measured);
  const absent = gaps(measured);
  const text = `<!-- Written by \`npm run bench -- --report\`; do not edit. -->
# Performance

${absent.length === 0 ? "" : `**What this page does not show**\n\n${list(absent)}`}

Multiples of the time that a minimal C program takes for the same work over the same sockets (\`bench/floor.c\`); smaller
is better. All contestants took turns in one run, each in a fresh process and, where it changes anything, a fresh network
namespace; figures are medians of all rounds (${facts.rounds}), and what was done was counted afterwards. Compare ratios, not
times: the times are those of this machine. "Wire layer" is the connection and the schemas of \`linkwright/wire\`, in code
that a program would have to write by hand: indexes of links, no checks, no words. \`Host\` is what people use, which checks
input, looks names up and answers in words. Both are held against the design's target. The C floor runs once more at
the end of each round: how far "again" is from 1 is how far the figures of that row can be trusted.

Every process starts cold: what its code takes to be compiled is in its time, and for that the targets are judged; what a
program sees that runs for long stands in a table of its own. Only round trips are made twice, by all but
the programs that are started anew for each or read a batch, and the second time counts: a single one says nothing of a
program that runs for long. One by one, bridges are made on the calling thread by the wire layer, and through the I/O
thread, which is the default, by \`Host\`. Everybody in a row makes the same number, but for the round trips of a program
that starts \`ip\` for each, which makes a twentieth. The design's size of bridges is 1,000; here it is 200, since the
kernel takes some 20 ms to remove one, whoever made it: 1,000 would take minutes a round, and cost at the start weighs
less there (\`npm run bench -- --scale 5 bridges-each bridges\`). Of what is dumped, the wire layer reads and keeps the
attributes that the floor reads (\`picked\`, which nothing of \`Host\` uses), \`Host\` and the peers all of them. The package
was built by the Node that runs it (\`lib/rehearsal.mjs\`).

${facts.machine}. ${facts.date}, commit ${facts.commit}, \`${facts.command.trim()}\`. Load average before and after: ${facts.load.join("; ")}.

## Time

${ratios(results, present)}

✗: target missed. –: not offered, or not asked. "lost": events that did not arrive, in the worst round; where more than a
tenth is missing there is no ratio.

The founding story's rules are made by \`nft\` where a library has no nf_tables, and its sysctls by writing files.

## Warm

Multiples of the same floor, by a process that did the same once before in another namespace, which was not counted: what
\`Host\` costs in a program that runs for long. Compiled peers have nothing to warm up. pyroute2 and npm's
\`netlink\` would have, get no rehearsal, and are left out of this table.

${warm(results, present)}

## Not as it should be

${list(short, "Every target is met, and no peer is ahead.")}

## Memory

${memory(results, present)}

The peak of the largest process of each contestant over all rounds, as the kernel counts it (\`ru_maxrss\`).

${growth(points)}

## Event loop

${waits(delays, facts.rounds)}

## Who took part

${list(present.filter(({ id, warm }) => id !== "again" && !warm).map(({ title, version }) => `${title}: ${version}`))}
${list(missing.map(({ title, install }) => `${title} was not there: \`${install}\``))}
`;
  return `${text.replace(/\n{3,}/g, "\n\n").trim()}\n`;
}
