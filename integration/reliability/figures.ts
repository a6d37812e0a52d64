/** A figure, its target, and both as people read them. */

/** One line: `name: value (target)`. */
export interface Figure {
  readonly name: string;
  readonly value: string;
  readonly target: string;
  readonly met: boolean;
  /** What went wrong, each with what it takes to see it again. */
  readonly faults: readonly string[];
}

/** Whether all of so many are as they should be; none of none says nothing. */
export function allOf(name: string, good: number, all: number, wanted: number, faults: readonly string[]): Figure {
  const count = (number: number): string => number.toLocaleString("en-US");
  return {
    name,
    value: `${count(good)} of ${count(all)}`,
    target: `all of ${count(wanted)}`,
    met: all > 0 && good === all && all >= wanted && faults.length === 0,
    faults,
  };
}

/** Whether there is nothing of something. */
export function noneOf(name: string, found: number): Figure {
  return { name, value: String(found), target: "0", met: found === 0, faults: [] };
}

/** How many there are of something, which has no target. */
export function told(name: string, found: number): Figure {
  return { name, value: found.toLocaleString("en-US"), target: "told", met: true, faults: [] };
}

/** A figure in the terminal. */
export function line({ name, value, target, met }: Figure): string {
  return `${name}: ${value} (${target})${met ? "" : " MISSED"}`;
}

/** How a task's figures came about. */
export interface Run {
  readonly command: string;
  readonly machine: string;
  readonly commit: string;
  readonly date: string;
  readonly minutes: number;
  /** The part of each count that was tried. */
  readonly share: number;
}

/** Of each task, by its name, the last run that was to be reported. */
export type Kept = Readonly<Record<string, { readonly run: Run; readonly figures: readonly Figure[] }>>;

/** Characters of a fault that the page shows. */
const SHOWN = 600;

/** What whoever reads the page would look for in vain, or take for more than it is. */
function gaps(kept: Kept, tasks: readonly string[]): string[] {
  const never = tasks.filter((task) => kept[task] === undefined);
  const all = [
    ...Object.entries(kept)
      .filter(([, { run }]) => run.share < 1)
      .map(([task, { run }]) => `Only ${run.share} of ${task} was tried: no count of it reaches its target.`),
    ...(never.length > 0 ? [`Not tried: ${never.join(", ")}.`] : []),
  ];
  return all.length === 0 ? [] : ["**What this page does not show**", "", ...all.map((text) => `- ${text}`), ""];
}

/** A line for each command, with the tasks that it ran. */
function runs(kept: Kept): string[] {
  const told = new Map<string, string[]>();
  for (const [task, { run }] of Object.entries(kept)) {
    const { command, machine, commit, date, minutes } = run;
    const text = `\`${command}\`; ${machine}; commit ${commit}; ${date}; ${minutes} minutes.`;
    told.set(text, [...(told.get(text) ?? []), task]);
  }
  return [...told].map(([text, names]) => `- ${names.join(", ")}: ${text}`);
}

/** The page of the project: what is kept of these tasks. */
export function page(kept: Kept, tasks: readonly string[]): string {
  const figures = tasks.flatMap((task) => kept[task]?.figures ?? []);
  const rows = figures.map(
    ({ name, value, target, met }) => `| ${name} | ${value} | ${target} | ${met ? "met" : "**missed**"} |`,
  );
  const missed = figures.filter(({ faults }) => faults.length > 0);
  const told = missed.flatMap(({ name, faults }) => [
    `### ${name}`,
    "",
    ...faults.flatMap((fault) => ["```", fault.slice(0, SHOWN), "```", ""]),
  ]);
  return [
    "# Reliability",
    "",
    ...gaps(kept, tasks),
    "Written by `npm run test:reliability -- --report` of what `reliability.json` beside it keeps of each task's last run, never",
    "by hand.",
    "",
    "| what | value | target | |",
    "| --- | ---: | ---: | --- |",
    ...rows,
    "",
    "What is compared: links with all their options, addresses, routes of all tables, rules, nexthops, permanent neighbors,",
    "forwarding, VLAN, VNI and multicast entries, queues with their classes and filters, features of network cards, the",
    "sysctls of all interfaces, and the whole ruleset of nf_tables; each tenth time also what `ip`, `bridge`, `tc` and `nft` tell",
    "as JSON, but for classes, filters, numbers that come anew with each object, and most states. What the kernel itself makes is",
    "not counted: link-local addresses, carriers, spanning tree, the MAC address of a bridge that nobody gave one.",
    "",
    "A program kills itself before each call for netlink, sysctls and files, and within each line of the journal; CI does so before",
    "each of these that changes something. strace, which knows nothing of us, kills at system calls, which it counts for each",
    "thread: those of a thread of its own, on which a sysctl is written, are the program's alone. Recoveries are those from an",
    "application that was interrupted when all was done and not yet said (undone), or said (kept). What was kept has to be what",
    "the document says.",
    "",
    ...(told.length === 0 ? [] : ["## What was missed", "", ...told]),
    "## Runs",
    "",
    ...runs(kept),
    "",
  ].join("\n");
}
