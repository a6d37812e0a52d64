/** Pasted commands to a document: read, carried out on a model, looked over, written down. */
import { hostName, takeApart } from "./blocks.ts";
import { describeModel } from "./describe-model.ts";
import { at, type Draft, type DraftValue } from "./draft.ts";
import { mergeHosts, type Share } from "./fabric.ts";
import { type Finding, Findings } from "./finding.ts";
import type { Line } from "./lexer.ts";
import type { HostModel } from "./model.ts";
import { settle } from "./settle.ts";
import { Shell } from "./shell.ts";
import { findSlips, type Hints, hintsIn } from "./slips.ts";

/** Commands as somebody pasted them. */
export interface Commands {
  /** The host that they are for; absent for one host that needs no name. */
  readonly host?: string | undefined;
  /** Name of the file, for messages. */
  readonly file: string;
  readonly text: string;
}
/** How commands are read. */
export interface CommandsOptions {
  /** Only what is done in this namespace: `ip netns exec NAME …`. Absent: what is done outside of namespaces. */
  readonly netns?: string | undefined;
}
/** What an import comes to. */
export interface Imported {
  readonly draft: Draft;
  readonly findings: readonly Finding[];
}

/** A paste is not longer than this: what is longer is a mistake. */
const MOST_BYTES = 1024 * 1024;

interface Read {
  readonly name?: string;
  readonly model: HostModel;
}

/** Hosts that headings in a text name, where there are several. */
function labelsOf(blocks: readonly { readonly label?: string }[]): string[] {
  const labels = [
    ...new Set(blocks.flatMap(({ label }) => (label === undefined || !/\d$/.test(label) ? [] : [hostName(label)]))),
  ];
  const stems = new Set(labels.map((label) => label.replace(/\d+$/, "")));
  // "Baremetal 1" and "Baremetal 2" are hosts; "Step 1" alone is none.
  return labels.length > 1 && stems.size === 1 && !["step", "part", "option", "phase"].includes([...stems][0] ?? "")
    ? labels
    : [];
}

/** Which namespace is meant: the one that was asked for, else the only one there is something for. */
function chosen(shell: Shell, netns: string | undefined, findings: Findings): HostModel {
  const used = [...shell.models].filter(([, model]) => isUsed(model)).map(([name]) => name);
  const [only] = used;
  if (netns !== undefined) return shell.model(netns);
  if (used.length === 1 && only !== undefined && only !== "") {
    findings.say(
      "note",
      undefined,
      `all commands are for namespace ${only}`,
      `apply the document with --netns ${only}`,
    );
    return shell.model(only);
  }
  for (const name of used)
    if (name !== "")
      findings.say(
        "warning",
        undefined,
        `some commands are for namespace ${name}, and left out`,
        `import them with --netns ${name}`,
      );
  return shell.model("");
}

function isUsed({ links, sysctls, ...lists }: HostModel): boolean {
  const { routes, rules, nexthops, neighbors, nat, forward } = lists;
  return (
    [routes, rules, nexthops, neighbors, nat, forward].some((list) => list.length > 0) || links.size + sysctls.size > 0
  );
}

function readHost(
  blocks: readonly { readonly lines: readonly Line[] }[],
  hints: Hints,
  findings: Findings,
  netns: string | undefined,
): HostModel {
  const shell = new Shell(findings);
  for (const { lines } of blocks) shell.run(lines);
  const model = chosen(shell, netns, findings);
  findSlips(model, hints);
  return model;
}

function read({ host, file, text }: Commands, findings: Findings, netns: string | undefined): Read[] {
  if (Buffer.byteLength(text) > MOST_BYTES) {
    findings.say("error", 1, `${file} has more than ${MOST_BYTES} bytes; is this the right file?`);
    return [];
  }
  const { blocks, prose, commented } = takeApart(text);
  for (const { number } of commented) findings.say("note", number, "a command behind a comment sign is left out");
  const hints = hintsIn(prose);
  const labels = host === undefined ? labelsOf(blocks) : [];
  if (labels.length === 0)
    return [{ ...(host !== undefined && { name: host }), model: readHost(blocks, hints, findings, netns) }];
  findings.say(
    "note",
    undefined,
    `headings name ${labels.length} hosts: ${labels.join(", ")}; what stands below no heading is for each of them`,
  );
  return labels.map((name) => {
    const own = blocks.filter(
      ({ label }) => label === undefined || !labels.includes(hostName(label)) || hostName(label) === name,
    );
    return { name, model: readHost(own, hints, findings, netns) };
  });
}

/** What several hosts say in the same words is said once. */
function once(findings: readonly Finding[]): Finding[] {
  const told = new Set<string>();
  return findings.filter((one) => {
    const text = JSON.stringify(one);
    return !told.has(text) && told.add(text) !== undefined;
  });
}

/** Remarks that belong into the document, as what was taken for another thing. */
function remarksOf(reads: readonly Read[]): Map<string, string[]> {
  const remarks = new Map<string, string[]>();
  for (const { link, text } of reads.flatMap(({ model }) => model.remarks)) {
    const key = at("links", link);
    const before = remarks.get(key) ?? [];
    if (!before.includes(text)) remarks.set(key, [...before, text]);
  }
  return remarks;
}

/**
 * Reads pasted commands, and writes a document that comes to the same; of several hosts, one document for all of them.
 * Nothing is run.
 */
export function importCommands(inputs: readonly Commands[], { netns }: CommandsOptions = {}): Imported {
  const lost: Finding[] = [];
  const reads = inputs.flatMap((input) => {
    const findings = new Findings(input.file);
    const found = read(input, findings, netns);
    if (found.length === 0) lost.push(...findings.all);
    return found;
  });
  const merging = new Findings();
  const shares = reads.map(({ name = "", model }): Share => ({ name, value: describeModel(model) }));
  const value: DraftValue = shares.length > 1 ? mergeHosts(shares, merging) : (shares[0]?.value ?? {});
  const draft: Draft = { value, remarks: remarksOf(reads), head: [], foot: [] };
  const settled = settle(draft, merging);
  const found = [...new Set(reads.map(({ model }) => model.findings))].flatMap((one) => one.sorted());
  return { draft: settled, findings: once([...found, ...lost, ...merging.all]) };
}
