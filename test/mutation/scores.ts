/** Scores of mutation tests, and how people read them. */
import { relative } from "node:path";
import type { MutantResult } from "@stryker-mutator/api/core";

/** Percent of the mutants that a test has to notice. */
const TARGET = 85;

interface Tally {
  readonly name: string;
  readonly mutants: number;
  readonly noticed: number;
  /** Of those noticed, the ones that made the tests run in circles. */
  readonly endless: number;
  /** Those that no test comes by. */
  readonly unreached: number;
  /** Those that were not tried, as they take a process of their own; they do not count. */
  readonly untried: number;
}

/** A group of files, and each of them. */
export interface Score extends Tally {
  readonly met: boolean;
  readonly files: readonly Tally[];
  /** What no test noticed. */
  readonly survivors: readonly string[];
}

/** What the page says beside the scores. */
export interface Facts {
  readonly machine: string;
  readonly commit: string;
  readonly date: string;
  readonly command: string;
}

const counted = ({ status }: MutantResult): boolean => ["Killed", "Timeout", "Survived", "NoCoverage"].includes(status);
const isNoticed = ({ status }: MutantResult): boolean => status === "Killed" || status === "Timeout";

function tally(name: string, all: readonly MutantResult[]): Tally {
  const mutants = all.filter(counted);
  const of = (status: string): number => mutants.filter((one) => one.status === status).length;
  return {
    name,
    mutants: mutants.length,
    noticed: mutants.filter(isNoticed).length,
    endless: of("Timeout"),
    unreached: of("NoCoverage"),
    untried: all.filter(({ status }) => status === "Ignored").length,
  };
}

const percent = ({ noticed, mutants }: Tally): string => ((100 * noticed) / mutants).toFixed(1);

function survivor({ fileName, location, mutatorName, replacement, status }: MutantResult): string {
  const { start, end } = location;
  const where = `${fileName}:${start.line}:${start.column}-${end.line === start.line ? "" : `${end.line}:`}${end.column}`;
  return `  ${where} ${mutatorName} ${replacement.replaceAll(/\s+/g, " ")}${status === "NoCoverage" ? " (unreached)" : ""}`;
}

/** The score of one group of files. */
export function scoreOf(name: string, files: readonly string[], all: readonly MutantResult[]): Score {
  const mutants = all
    .map((one) => ({ ...one, fileName: relative(process.cwd(), one.fileName) }))
    .filter((one) => files.includes(one.fileName));
  const whole = tally(name, mutants);
  return {
    ...whole,
    met: whole.mutants > 0 && whole.noticed * 100 >= whole.mutants * TARGET,
    files: files.map((file) =>
      tally(
        file,
        mutants.filter(({ fileName }) => fileName === file),
      ),
    ),
    survivors: mutants.filter((one) => counted(one) && !isNoticed(one)).map(survivor),
  };
}

/** A score in the terminal, with its survivors where they are asked for. */
export function line(score: Score, survivors: boolean): string {
  const { name, mutants, noticed, endless, unreached, untried, met } = score;
  const more = `${noticed} of ${mutants} noticed, ${endless} by time, ${unreached} unreached, ${untried} not tried`;
  const first = `mutation score of ${name}: ${percent(score)} % (${TARGET} %)${met ? "" : " MISSED"}; ${more}`;
  return [first, ...(survivors ? score.survivors : [])].join("\n");
}

function section(score: Score, { machine, commit, date, command }: Facts): string {
  const row = (one: Tally): string =>
    `| ${one.name} | ${one.mutants} | ${one.endless} | ${one.unreached} | ${one.untried} | ${percent(one)} % |`;
  return [
    `## ${score.name}`,
    "",
    `**${percent(score)} %** noticed, target ${TARGET} %: ${score.met ? "met" : "**missed**"}. By \`${command}\`; ${machine}; commit ${commit}; ${date}.`,
    "",
    "| file | changes | noticed by time | that no test comes by | not tried | noticed |",
    "| --- | ---: | ---: | ---: | ---: | ---: |",
    ...score.files.filter(({ mutants }) => mutants > 0).map(row),
    row({ ...score, name: "all" }),
    "",
  ].join("\n");
}

/** The page of the project: groups that were not measured now stay as `before` tells them. */
export function page(scores: readonly Score[], facts: Facts, before: string): string {
  const sections = new Map<string, string>();
  for (const text of before.split(/^(?=## )/m).slice(1)) sections.set(/^## (.*)/.exec(text)?.[1] ?? "", text);
  for (const score of scores) sections.set(score.name, section(score, facts));
  return [
    "# Mutation scores",
    "",
    "Written by `npm run test:mutation -- --report`, never by hand. Stryker changes one thing at a time in these files (a",
    "condition, a text, a call) and runs the unit tests that come by there: the score is how many of the changes a test",
    "notices; what was not tried does not count. Integration tests, which notice more, do not count. Random documents are the same 3 for each change.",
    "",
    ...sections.values(),
  ].join("\n");
}
