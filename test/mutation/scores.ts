/** Scores of mutation tests, and how people read them. */
import { relative } from "node:path";
import type { MutantResult } from "@stryker-mutator/api/core";

/** Percent of the mutants that a test has to notice. */
const TARGET = 85;

interface Tally {
  readonly mutants: number;
  readonly noticed: number;
  /** Of those noticed, the ones that made the tests run in circles. */
  readonly endless: number;
  /** Those that no test comes by. */
  readonly unreached: number;
  /** Those that were not tried, as they take a process of their own; they do not count. */
  readonly untried: number;
}

/** What a run found. */
export interface Score {
  readonly name: string;
  readonly all: Tally;
  readonly met: boolean;
  readonly files: Readonly<Record<string, Tally>>;
  /** What no test noticed. */
  readonly survivors: readonly string[];
}

/** Where, when and how was measured. */
export interface Facts {
  readonly machine: string;
  readonly commit: string;
  readonly date: string;
  readonly command: string;
}

/** What is known of each file, of the last run that had it. */
export type Known = Readonly<Record<string, Tally & Facts>>;

const counted = ({ status }: MutantResult): boolean => ["Killed", "Timeout", "Survived", "NoCoverage"].includes(status);
const isNoticed = ({ status }: MutantResult): boolean => status === "Killed" || status === "Timeout";

function tally(all: readonly MutantResult[]): Tally {
  const mutants = all.filter(counted);
  const of = (status: string): number => mutants.filter((one) => one.status === status).length;
  return {
    mutants: mutants.length,
    noticed: mutants.filter(isNoticed).length,
    endless: of("Timeout"),
    unreached: of("NoCoverage"),
    untried: all.filter(({ status }) => status === "Ignored").length,
  };
}

function sum(tallies: readonly Tally[]): Tally {
  const of = (key: keyof Tally): number => tallies.reduce((total, one) => total + one[key], 0);
  return {
    mutants: of("mutants"),
    noticed: of("noticed"),
    endless: of("endless"),
    unreached: of("unreached"),
    untried: of("untried"),
  };
}

const percent = ({ noticed, mutants }: Tally): string =>
  mutants === 0 ? "–" : `${((100 * noticed) / mutants).toFixed(1)} %`;
const isEnough = ({ noticed, mutants }: Tally): boolean => mutants > 0 && noticed * 100 >= mutants * TARGET;

function survivor({ fileName, location, mutatorName, replacement, status }: MutantResult): string {
  const { start, end } = location;
  const where = `${fileName}:${start.line}:${start.column}-${end.line === start.line ? "" : `${end.line}:`}${end.column}`;
  return `  ${where} ${mutatorName} ${replacement.replaceAll(/\s+/g, " ")}${status === "NoCoverage" ? " (unreached)" : ""}`;
}

/** The score of some files. */
export function scoreOf(name: string, files: readonly string[], results: readonly MutantResult[]): Score {
  const mutants = results
    .map((one) => ({ ...one, fileName: relative(process.cwd(), one.fileName) }))
    .filter((one) => files.includes(one.fileName));
  const all = tally(mutants);
  const ofFile = (file: string): Tally => tally(mutants.filter(({ fileName }) => fileName === file));
  return {
    name,
    all,
    met: isEnough(all),
    files: Object.fromEntries(files.map((file) => [file, ofFile(file)])),
    survivors: mutants.filter((one) => counted(one) && !isNoticed(one)).map(survivor),
  };
}

/** A score in the terminal, with its survivors where they are asked for. */
export function line({ name, all, met, survivors }: Score, withSurvivors: boolean): string {
  const { mutants, noticed, endless, unreached, untried } = all;
  const more = `${noticed} of ${mutants} noticed, ${endless} by time, ${unreached} unreached, ${untried} not tried`;
  const first = `mutation score of ${name}: ${percent(all)} (${TARGET} %)${met ? "" : " MISSED"}; ${more}`;
  return [first, ...(withSurvivors ? survivors : [])].join("\n");
}

/** What is known after a run: of its files what it found, of the others what was known before. */
export function merged(before: Known, scores: readonly Score[], facts: Facts): Known {
  const found = scores.flatMap(({ files }) => Object.entries(files).map(([file, one]) => [file, { ...one, ...facts }]));
  return { ...before, ...Object.fromEntries(found) };
}

const row = (name: string, one: Tally, when: string): string =>
  `| ${name} | ${one.mutants} | ${one.endless} | ${one.unreached} | ${one.untried} | ${percent(one)} | ${when} |`;

/** A part of the files says nothing about all of them: only a group that is complete is judged. */
function verdict(all: Tally, missing: number, files: number): string {
  if (missing > 0) return `not judged, as ${missing} of its ${files} files were not run`;
  return isEnough(all) ? "met" : "**missed**";
}

function section(name: string, files: readonly string[], known: Known): string {
  const run = files.flatMap((file) => known[file] ?? []);
  const all = sum(run);
  const rows = files.map((file) => {
    const one = known[file];
    return one === undefined ? `| ${file} | | | | | not run | |` : row(file, one, `${one.commit}, ${one.date}`);
  });
  return [
    `## ${name}`,
    "",
    `**${percent(all)}** noticed, target ${TARGET} %: ${verdict(all, files.length - run.length, files.length)}.`,
    "",
    "| file | changes | noticed by time | that no test comes by | not tried | noticed | commit |",
    "| --- | ---: | ---: | ---: | ---: | ---: | --- |",
    ...rows,
    row(run.length < files.length ? "all that were run" : "all", all, ""),
    "",
    ...new Set(run.map(({ command, machine }) => `- \`${command}\`; ${machine}`)),
    "",
  ].join("\n");
}

/** The page of the project, of the files that are in a group now. */
export function page(groups: Readonly<Record<string, readonly string[]>>, known: Known): string {
  return [
    "# Mutation scores",
    "",
    "Written by `npm run test:mutation -- --report` of what `mutation.json` beside it keeps of each file's last run, never by",
    "hand. Stryker changes one thing at a time in these files (a condition, a text, a call) and runs the unit tests that come",
    "by there: the score is how many of the changes a test notices; what was not tried does not count. Integration tests,",
    "which notice more, do not count. Random documents are the same 3 for each change. A file may have changed since the",
    "commit that stands beside it.",
    "",
    ...Object.entries(groups).map(([name, files]) => section(name, files, known)),
  ].join("\n");
}
