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

/** Whether all of so many are as they should be. */
export function allOf(name: string, good: number, all: number, wanted: number, faults: readonly string[]): Figure {
  const count = (number: number): string => number.toLocaleString("en-US");
  return {
    name,
    value: `${count(good)} of ${count(all)}`,
    target: `all of ${count(wanted)}`,
    met: good === all && all >= wanted && faults.length === 0,
    faults,
  };
}

/** Whether there is nothing of something. */
export function noneOf(name: string, found: number): Figure {
  return { name, value: String(found), target: "0", met: found === 0, faults: [] };
}

/** A figure in the terminal. */
export function line({ name, value, target, met }: Figure): string {
  return `${name}: ${value} (${target})${met ? "" : " MISSED"}`;
}

/** What the page says beside the figures. */
export interface Facts {
  readonly machine: string;
  readonly commit: string;
  readonly date: string;
  readonly command: string;
  readonly minutes: number;
  /** The part of each count that was tried. */
  readonly share: number;
  /** Whether only the few were tried that CI has time for. */
  readonly slice: boolean;
  /** Tasks that were not asked for. */
  readonly left: readonly string[];
}

/** Characters of a fault that the page shows. */
const SHOWN = 600;

/** What whoever reads the page would look for in vain, or take for more than it is. */
function gaps(figures: readonly Figure[], { share, slice, left }: Facts): string[] {
  const all = [
    ...(slice ? ["A slice: the targets below are those of CI, not of the project."] : []),
    ...(share < 1 && !slice ? [`Only ${share} of the whole was tried: no count below reaches its target.`] : []),
    ...(left.length > 0 ? [`Not tried: ${left.join(", ")}.`] : []),
    ...(figures.length === 0 ? ["There is no figure at all."] : []),
  ];
  return all.length === 0 ? [] : ["**What this page does not show**", "", ...all.map((text) => `- ${text}`), ""];
}

/** The page of the project. */
export function page(figures: readonly Figure[], facts: Facts): string {
  const { machine, commit, date, command, minutes } = facts;
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
    ...gaps(figures, facts),
    `Written by \`${command}\`, never by hand. ${machine}; commit ${commit}; ${date}; ${minutes} minutes.`,
    "",
    "| what | value | target | |",
    "| --- | ---: | ---: | --- |",
    ...rows,
    "",
    "What is compared: links with all their options, addresses, routes of all tables, rules, nexthops, permanent neighbors,",
    "forwarding, VLAN, VNI and multicast entries, the sysctls of all interfaces, and the whole ruleset of nf_tables. What",
    "the kernel itself makes of these is not counted: link-local addresses, carriers, spanning tree, the MAC address of a",
    "bridge that nobody gave one. strace counts calls for each thread: those of a thread of its own, which a sysctl is",
    "written on, are covered by the kills around each line of the journal (`integration/transaction/killed.test.ts`).",
    "",
    ...(told.length === 0 ? [] : ["## What was missed", "", ...told]),
  ].join("\n");
}
