/**
 * Every fault on every kind of underlay, and random fabrics that are in order: what the doctor calls them.
 * usage: npm run test:doctor [-- --report] [--healthy 200] [--seed 1] [--only FAULT,…: the rest of the page stays as it is]
 *   [--kind vlans: no faults, and random fabrics of this kind only]
 * Bridges of user-mode Linux have VLANs: integration/kernels/run uml -- node build/integration/doctor/main.js --kind vlans --healthy 20
 */
import { readFile, writeFile } from "node:fs/promises";
import { release } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { CAUSES, diagnose, type Finding } from "../../lib/doctor/index.ts";
import { Lab, runInSandbox } from "../../lib/testkit/index.ts";
import { SANDBOX_VARIABLE } from "../../lib/testkit/sandbox.ts";
import { advertise, hasVlans, healthyFabric, KINDS, type Kind, OTHERS, pairOf } from "./healthy.ts";
import {
  BRISK,
  causeOf,
  chatter,
  FAULTS,
  type FaultName,
  findings,
  inTurns,
  isNamed,
  UNDERLAYS,
  type Underlay,
  WITNESSED,
  whyNot,
} from "./matrix.ts";

const { values } = parseArgs({
  options: {
    report: { type: "boolean", default: false },
    healthy: { type: "string", default: "200" },
    seed: { type: "string", default: "1" },
    only: { type: "string" },
    kind: { type: "string" },
  },
});
const TRIED = new Set([...FAULTS.map(causeOf), ...FAULTS]);
const UNTRIED = Object.keys(CAUSES).filter((cause) => !TRIED.has(cause));

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../../..");

interface Cell {
  readonly fault: FaultName;
  readonly underlay: Underlay;
  readonly found: readonly Finding[];
}
interface Healthy {
  readonly hosts: number;
  readonly wrong: readonly string[];
  /** How many there were of each kind. */
  readonly kinds: string;
}

const isRight = ({ fault, found }: Cell): boolean => isNamed(fault, found);

async function matrix(faults: readonly FaultName[]): Promise<Cell[]> {
  const all = faults.flatMap((fault) => NAMES.map((underlay) => ({ fault, underlay })));
  return await inTurns(
    all.filter(({ fault, underlay }) => whyNot(fault, underlay) === undefined),
    async ({ fault, underlay }) => {
      const cell = { fault, underlay, found: await findings(underlay, fault) };
      const names = cell.found.map(({ cause }) => cause).join(", ") || "nothing";
      console.log(`${isRight(cell) ? "right" : "WRONG"}: ${fault}, ${underlay}: ${names}`);
      return cell;
    },
  );
}

/** What is called broken on hosts that are in order; `lasting`: whether their files are looked at too. */
async function errorsOf(lab: Lab, what: string, lasting: boolean): Promise<string[]> {
  const wrong: string[] = [];
  for (const name of lab.hosts) {
    const files = lasting ? { root: (await lab.files(name)).root } : {};
    const { findings: found } = await diagnose(lab.host(name), { ...BRISK, ...files });
    for (const { severity, cause, text } of found)
      if (severity === "error") wrong.push(`${what}, ${name}: ${cause}: ${text}`);
  }
  for (const line of wrong) console.log(`WRONG: ${line}`);
  return wrong;
}

async function healthy(count: number, seed: number, wanted?: Kind): Promise<Healthy> {
  const seeds = Array.from({ length: count }, (_, at) => seed * 100_000 + at);
  const vlans = await hasVlans();
  if (!vlans) console.log("this kernel has no VLANs of bridges: no fabric has them");
  const all = await inTurns(seeds, async (one) => {
    const { source, underlayMtu, kind } = healthyFabric(one, vlans, wanted);
    await using lab = await Lab.up(source, { underlayMtu });
    if (kind === "evpn") await advertise(lab);
    const ended = chatter(lab);
    const wrong = await errorsOf(lab, `fabric ${one}`, true);
    await ended();
    return { kind, hosts: lab.hosts.length, wrong };
  });
  const made = wanted === undefined ? (Object.keys(OTHERS) as (keyof typeof OTHERS)[]) : [];
  const others = await inTurns(made, async (kind) => {
    await using lab = await pairOf(kind);
    return { kind, hosts: lab.hosts.length, wrong: await errorsOf(lab, kind, false) };
  });
  const every = [...all, ...others];
  const kinds = new Map<string, number>();
  for (const { kind } of every) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  return {
    hosts: every.reduce((sum, { hosts }) => sum + hosts, 0),
    wrong: every.flatMap(({ wrong }) => wrong),
    kinds: [...kinds].map(([kind, times]) => `${times} ${kind}`).join(", "),
  };
}

/** What the page says of each fault on each kind of underlay. */
type Table = ReadonlyMap<string, string>;
const NAMES = Object.keys(UNDERLAYS) as Underlay[];
/** Where the page tells of hosts that are in order. */
const HEALTHY = "## Healthy hosts\n\n";
const RIGHT = "✓";
const WRONG = "**wrong:**";

function told(cell: Cell): string {
  const [first, ...others] = cell.found.map(({ cause }) => `\`${cause}\``);
  const rest = others.length === 0 ? "" : `, then ${others.join(", ")}`;
  return `${isRight(cell) ? RIGHT : WRONG} ${first ?? "nothing"}${rest}`;
}
const placed = (fault: string, underlay: string): string => `${fault} ${underlay}`;

/** The table of a page that was written before. */
function readTable(text: string): Map<string, string> {
  const rows = text.split("\n").map((line) => line.slice(2, -2).split(" | "));
  const [, ...underlays] = rows.find(([first]) => first === "fault") ?? [];
  const all = rows.filter((cells) => cells.length === underlays.length + 1);
  return new Map(
    all.flatMap(([fault = "", ...cells]) =>
      cells.map((cell, at) => [placed(fault.replaceAll("`", ""), underlays[at] ?? ""), cell] as const),
    ),
  );
}

function row(fault: FaultName, known: Table): string {
  const cells = NAMES.map((underlay) => whyNot(fault, underlay) ?? known.get(placed(fault, underlay)) ?? "not tried");
  return `| \`${fault}\` | ${cells.join(" | ")} |`;
}

function healthySection(sane: Healthy, fabrics: number): string {
  const wrong = sane.wrong.map((line) => `\n- ${line}`).join("");
  return `${fabrics} random fabrics that are in order, and pairs of hosts as Flannel, Docker's swarm and Cilium make them (${sane.kinds}), ${sane.hosts} hosts: ${sane.wrong.length} findings of severity error.${wrong}\n`;
}

function page(known: Table, healthyText: string): string {
  const verdicts = FAULTS.flatMap((fault) => NAMES.map((underlay) => known.get(placed(fault, underlay)) ?? ""));
  const right = verdicts.filter((one) => one.startsWith(RIGHT)).length;
  const wrong = verdicts.filter((one) => one.startsWith(WRONG)).length;
  return `# The doctor

Written by \`npm run test:doctor -- --report\`, never by hand. Linux ${release()}, Node ${process.versions.node}, ${new Date().toISOString().slice(0, 10)}.

\`linkwright doctor\` looks at a host, whoever set it up, and asks the network: the far ends of its VXLANs by pings that must not
be fragmented and by ARP requests or neighbor solicitations inside of VXLAN, which need no program there, also with the
checksum computed beforehand where nobody answers; the same on the bridge, so that they take the bridge's port and the VXLAN's
own entries; who else has its addresses, and which of its guests' addresses more than one answers for; whether the next router answers to the
guests' network. It listens for VXLAN of others meanwhile, for guests whose MAC address is here and there at one time, and
looks whether its checksums are right. To far ends on a list it puts one question whose answer comes only where this host is on
theirs. At taps it looks whether guests send what is too large. It changes nothing, but for a table of nf_tables that
counts as long as it looks with \`--witness\`. Each finding has its evidence and one way to mend it, where words in capitals stand
for what it does not know; the first is the one to mend first.

Guests that are there twice are looked for on bridges without VLANs whose tunnels no control plane fills: with EVPN one guest may be
behind two hosts on purpose. An address that two guests have is found of IPv4. What it could not look at it says.

## Causes

From the cable upwards, which is the order in which they are told.

| name | what it means |
| --- | --- |
${Object.entries(CAUSES)
  .map(([name, text]) => `| \`${name}\` | ${text} |`)
  .join("\n")}

## Found by name

Each fault happens in a lab of its own, with guests that try to reach one another; the doctor looks from the host that is
wrong, or from its neighbor. ${right} of ${right + wrong} were named first.

| fault | ${NAMES.join(" | ")} |
| --- | ${NAMES.map(() => "---").join(" | ")} |
${FAULTS.map((fault) => row(fault, known)).join("\n")}

\`${WITNESSED}\` is seen with \`--witness\` alone.${UNTRIED.length === 0 ? "" : ` Causes that no fault of the lab stands for: ${UNTRIED.map((cause) => `\`${cause}\``).join(", ")}.`}

${HEALTHY}${healthyText}`;
}

async function main(): Promise<number> {
  const wanted = KINDS.find((kind) => kind === values.kind);
  if (wanted !== values.kind) throw new Error(`--kind is one of ${KINDS.join(", ")}`);
  if (wanted !== undefined) return (await triedHealthy(wanted)).wrong === 0 ? 0 : 1;
  const file = join(ROOT, "docs/doctor.md");
  const before = await readFile(file, "utf8");
  const only = values.only?.split(",");
  const cells = await matrix(FAULTS.filter((fault) => only?.includes(fault) !== false));
  const right = cells.filter(isRight).length;
  console.log(`faults named first: ${right} of ${cells.length} (all)`);
  const fresh = cells.map((cell) => [placed(cell.fault, cell.underlay), told(cell)] as const);
  const known = new Map([...(only === undefined ? [] : readTable(before)), ...fresh]);
  const { text, wrong } =
    only === undefined ? await triedHealthy() : { text: before.split(HEALTHY)[1] ?? "", wrong: 0 };
  if (values.report) await writeFile(file, page(known, text));
  return right === cells.length && wrong === 0 ? 0 : 1;
}

async function triedHealthy(wanted?: Kind): Promise<{ readonly text: string; readonly wrong: number }> {
  const fabrics = Number(values.healthy);
  const sane = await healthy(fabrics, Number(values.seed), wanted);
  console.log(`kinds of healthy fabrics: ${sane.kinds}`);
  console.log(`errors on ${sane.hosts} healthy hosts of ${fabrics} fabrics: ${sane.wrong.length} (0)`);
  return { text: healthySection(sane, fabrics), wrong: sane.wrong.length };
}

process.exitCode =
  process.env[SANDBOX_VARIABLE] === undefined
    ? await runInSandbox([process.execPath, ...process.argv.slice(1)])
    : await main();
