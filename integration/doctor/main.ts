/**
 * Every fault on every kind of underlay, and random fabrics that are in order: what the doctor calls them.
 * usage: npm run test:doctor [-- --report] [--healthy 200] [--seed 1]
 */
import { writeFile } from "node:fs/promises";
import { release } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { CAUSES, diagnose, type Finding } from "../../lib/doctor/index.ts";
import { Lab, runInSandbox } from "../../lib/testkit/index.ts";
import { SANDBOX_VARIABLE } from "../../lib/testkit/sandbox.ts";
import { advertise, hasVlans, healthyFabric, OTHERS, pairOf } from "./healthy.ts";
import {
  BRISK,
  causeOf,
  chatter,
  FAULTS,
  type FaultName,
  findings,
  inTurns,
  UNDERLAYS,
  type Underlay,
  whyNot,
} from "./matrix.ts";

const { values } = parseArgs({
  options: {
    report: { type: "boolean", default: false },
    healthy: { type: "string", default: "200" },
    seed: { type: "string", default: "1" },
  },
});
/** What only `--witness` sees, and a test of its own tries. */
const WITNESSED = "gso-masking";
const TRIED = new Set([...FAULTS.map(causeOf), WITNESSED]);
const UNTRIED = Object.keys(CAUSES).filter((cause) => !TRIED.has(cause));

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

const isRight = ({ fault, found }: Cell): boolean => found[0]?.cause === causeOf(fault);

async function matrix(): Promise<Cell[]> {
  const underlays = Object.keys(UNDERLAYS) as Underlay[];
  const all = FAULTS.flatMap((fault) => underlays.map((underlay) => ({ fault, underlay })));
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

async function healthy(count: number, seed: number): Promise<Healthy> {
  const seeds = Array.from({ length: count }, (_, at) => seed * 100_000 + at);
  const vlans = await hasVlans();
  if (!vlans) console.log("this kernel has no VLANs of bridges: no fabric has them");
  const all = await inTurns(seeds, async (one) => {
    const { source, underlayMtu, kind } = healthyFabric(one, vlans);
    await using lab = await Lab.up(source, { underlayMtu, ...(kind === "vlans" && { guestsPerHost: 0 }) });
    if (kind === "evpn") await advertise(lab);
    const ended = chatter(lab);
    const wrong = await errorsOf(lab, `fabric ${one}`, true);
    await ended();
    return { kind, hosts: lab.hosts.length, wrong };
  });
  const others = await inTurns(Object.keys(OTHERS) as (keyof typeof OTHERS)[], async (kind) => {
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

function row(fault: FaultName, cells: readonly Cell[]): string {
  const told = (Object.keys(UNDERLAYS) as Underlay[]).map((underlay) => {
    const why = whyNot(fault, underlay);
    const cell = cells.find((one) => one.fault === fault && one.underlay === underlay);
    if (cell === undefined) return why ?? "not tried";
    const [first, ...others] = cell.found.map(({ cause }) => `\`${cause}\``);
    const rest = others.length === 0 ? "" : `, then ${others.join(", ")}`;
    return `${isRight(cell) ? "✓" : "**wrong:**"} ${first ?? "nothing"}${rest}`;
  });
  return `| \`${fault}\` | ${told.join(" | ")} |`;
}

function page(cells: readonly Cell[], sane: Healthy, fabrics: number): string {
  const right = cells.filter(isRight).length;
  return `# The doctor

Written by \`npm run test:doctor -- --report\`, never by hand. Linux ${release()}, Node ${process.versions.node}, ${new Date().toISOString().slice(0, 10)}.

\`linkwright doctor\` looks at a host, whoever set it up, and asks the network: the far ends of its VXLANs by pings that must not
be fragmented and by ARP requests or neighbor solicitations inside of VXLAN, which need no program there, also with the
checksum computed beforehand where nobody answers; the same on the bridge, so that they take the bridge's port and the VXLAN's
own entries; who else has its addresses; whether the next router answers to the guests' network. It listens for VXLAN of others meanwhile, and
looks whether its checksums are right. It changes nothing. Each finding has its
evidence and one way to mend it; the first is the one to mend first.

## Causes

From the cable upwards, which is the order in which they are told.

| name | what it means |
| --- | --- |
${Object.entries(CAUSES)
  .map(([name, text]) => `| \`${name}\` | ${text} |`)
  .join("\n")}

## Found by name

Each fault happens in a lab of its own, with guests that try to reach one another; the doctor looks from the host that is
wrong, or from its neighbor. ${right} of ${cells.length} were named first.

| fault | ${Object.keys(UNDERLAYS).join(" | ")} |
| --- | ${Object.keys(UNDERLAYS)
    .map(() => "---")
    .join(" | ")} |
${FAULTS.map((fault) => row(fault, cells)).join("\n")}

\`${WITNESSED}\` is seen with \`--witness\` alone, and a test of its own tries it.${UNTRIED.length === 0 ? "" : ` Causes that no fault of the lab stands for: ${UNTRIED.map((cause) => `\`${cause}\``).join(", ")}.`}

## Healthy hosts

${fabrics} random fabrics that are in order, and pairs of hosts as Flannel, Docker's swarm and Cilium make them (${sane.kinds}), ${sane.hosts} hosts: ${sane.wrong.length} findings of severity error.${sane.wrong.map((line) => `\n- ${line}`).join("")}
`;
}

async function main(): Promise<number> {
  const fabrics = Number(values.healthy);
  const cells = await matrix();
  const sane = await healthy(fabrics, Number(values.seed));
  const right = cells.filter(isRight).length;
  console.log(`faults named first: ${right} of ${cells.length} (all)`);
  console.log(`kinds of healthy fabrics: ${sane.kinds}`);
  console.log(`errors on ${sane.hosts} healthy hosts of ${fabrics} fabrics: ${sane.wrong.length} (0)`);
  const root = join(dirname(fileURLToPath(import.meta.url)), "../../..");
  if (values.report) await writeFile(join(root, "docs/doctor.md"), page(cells, sane, fabrics));
  return right === cells.length && sane.wrong.length === 0 ? 0 : 1;
}

process.exitCode =
  process.env[SANDBOX_VARIABLE] === undefined
    ? await runInSandbox([process.execPath, ...process.argv.slice(1)])
    : await main();
