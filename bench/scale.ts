/** Writes docs/scale.md: what fabrics cost, by arithmetic and measured here. Usage: npm run scale */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { cpus, release } from "node:os";
import { fileURLToPath } from "node:url";
import { derive, fabricOf } from "../lib/fabric/fabric.ts";
import { Host } from "../lib/host.ts";
import { apply, desiredOf, observe, type Plan, parseSource, plan, verify } from "../lib/state/index.ts";
import { TestNamespace } from "../lib/testkit/namespace.ts";
import { runInSandbox } from "../lib/testkit/sandbox.ts";
import { type FabricSize, fabricText } from "./scale-fabric.ts";

/** Processor time, which other work on the machine does not stretch as it does the clock. */
interface Cost {
  readonly seconds: number;
  readonly wall: number;
}
async function cost<T>(work: () => T | Promise<T>): Promise<[T, Cost]> {
  const [begin, used] = [performance.now(), process.cpuUsage()];
  const result = await work();
  const { user, system } = process.cpuUsage(used);
  return [result, { seconds: (user + system) / 1e6, wall: (performance.now() - begin) / 1000 }];
}

interface Compiled {
  readonly size: FabricSize;
  readonly bytes: number;
  readonly parse: Cost;
  readonly fabric: Cost;
  readonly derive: Cost;
  readonly plan: Cost;
  readonly steps: number;
  readonly megabytes: number;
}

const BARE = { links: [{ name: "eth0", mtu: 9000, up: true }], sysctls: {} };

/** Reads a fabric, checks it, takes one host's share and plans it. */
async function compile(size: FabricSize): Promise<Compiled> {
  const text = fabricText(size);
  const [source, parse] = await cost(() => parseSource(text));
  const [, fabric] = await cost(() => fabricOf(source));
  const [desired, derived] = await cost(() => desiredOf(derive(source, "h5")));
  const [planned, planning] = await cost((): Plan => plan(BARE, desired));
  const megabytes = process.resourceUsage().maxRSS / 1024;
  return {
    size,
    bytes: text.length,
    parse,
    fabric,
    derive: derived,
    plan: planning,
    steps: planned.steps.length,
    megabytes,
  };
}

interface Carried {
  readonly entries: number;
  readonly apply: Cost;
  readonly again: Cost;
  readonly join: Cost;
  readonly joinSteps: number;
}

/** Applies one host's share in a namespace, finds nothing to do, and lets one more host join. */
async function carry(size: FabricSize): Promise<Carried> {
  await using netns = await TestNamespace.create();
  await using host = await Host.open({ netns });
  await host.links.create({ kind: "veth", name: "eth0", mtu: 9000, peer: { name: "far0" }, up: true });
  const desired = desiredOf(derive(parseSource(fabricText(size)), "h5"));
  const first = plan(await observe(host, desired), desired);
  const [, applied] = await cost(() => apply(host, first, { source: desired.source }));
  const [second, again] = await cost(async () => plan(await observe(host, desired), desired));
  if (second.steps.length > 0) throw new Error(`there is something to do still: ${second.steps[0]?.subject}`);
  const more = desiredOf(derive(parseSource(fabricText({ ...size, hosts: size.hosts + 1 })), "h5"));
  const [joined, join] = await cost(async () => {
    const steps = plan(await observe(host, more), more);
    await apply(host, steps, { source: more.source });
    return steps;
  });
  if (!(await verify(host, more)).ok) throw new Error("what was applied is not there");
  const entries = first.steps.filter(({ object }) => object === "fdb").length;
  return { entries, apply: applied, again, join, joinSteps: joined.steps.length };
}

/** Seconds of processor time that the plan of one host's share may take. */
const TARGET = 1;

/** What is met of the target, and what is not. */
function verdict(compiled: readonly Compiled[]): string {
  const missed = compiled.filter(({ plan: { seconds } }) => seconds >= TARGET);
  const says = (one: Compiled): string => `${number(one.steps)} steps (${one.size.flood}) in ${time(one.plan)}`;
  if (missed.length > 0) return `missed by ${missed.map(says).join(", and by ")}; met by all others`;
  const largest = compiled.reduce((most, one) => (one.steps > most.steps ? one : most));
  return `met by all, the largest of which is ${says(largest)}`;
}

const number = (value: number): string => value.toLocaleString("en");
const time = ({ seconds, wall }: Cost): string =>
  `${seconds < 10 ? seconds.toFixed(2) : seconds.toFixed(0)} s (${wall < 10 ? wall.toFixed(2) : wall.toFixed(0)} s)`;

function rows(head: readonly string[], body: readonly (readonly string[])[]): string {
  return [head, head.map(() => "---"), ...body].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

/** Copies of a frame that is flooded, and entries of a host, by number of members. */
function arithmetic(): string {
  const table = [2, 3, 10, 30, 100, 300, 1000].map((hosts) => {
    const copies = hosts - 1;
    // 100 ARP requests a second in an overlay of 100 bytes each on the wire, from each host.
    const flooded = (copies * 100 * 150 * 8) / 1e6;
    return [
      number(hosts),
      number(copies),
      flooded.toFixed(flooded < 10 ? 1 : 0),
      number(copies),
      number(hosts * copies),
      "1",
      number(copies),
      number((hosts * copies) / 2),
      number(2 * copies - 1),
    ];
  });
  const head = [
    "members",
    "copies of a flooded frame",
    "Mbit/s out for 100 requests/s",
    "list entries on a host",
    "in the fabric",
    "with multicast",
    "EVPN: sessions of a host, full mesh",
    "in the fabric",
    "with two reflectors",
  ];
  return rows(head, table);
}

function compiledRows(all: readonly Compiled[]): string {
  const head = [
    "hosts × overlays, static MACs",
    "flood",
    "document",
    "read",
    "check between hosts",
    "one host's share",
    "its plan",
    "steps",
    "memory",
  ];
  const body = all.map(({ size, bytes, parse, fabric, derive: derived, plan: planning, steps, megabytes }) => [
    `${number(size.hosts)} × ${number(size.overlays)}, ${number(size.macs)}`,
    size.flood,
    `${(bytes / 1e6).toFixed(2)} MB`,
    ...[parse, fabric, derived, planning].map(time),
    number(steps),
    `${megabytes.toFixed(0)} MiB`,
  ]);
  return rows(head, body);
}

function page(compiled: readonly Compiled[], carried: Carried): string {
  return `# Scale

Written by \`npm run scale\` on Linux ${release()}, ${cpus().length} processors, Node ${process.version}. Times are seconds of
processor time of all threads, and in parentheses by the clock, on a machine that did other work meanwhile.

## When to change from lists to multicast, and to EVPN

${arithmetic()}

A request is a frame of 100 bytes, 150 with the VXLAN around it. Who leaves or joins changes one entry on each other member.

- **\`flood: unicast\`** needs nothing of the network. Copies grow with the members, entries of the fabric with their square.
  Up to about 30 members neither is felt; up to 100 it pays where floods are rare: \`staticMacs\` and \`learning: false\` take most
  of them away, at an entry for each MAC on each host. An update is as many runs of \`apply\` as there are members.
- **\`multicast\`** has one copy, one entry, and nothing to update, at any size. It pays from about 10 members with much
  flooding on, where the network carries multicast at all, which between sites and in clouds it mostly does not. Switches
  keep a group for each overlay: where they hold fewer groups than there are overlays, these share.
- **\`evpn\`** makes no fewer copies, and hardly floods: hosts answer ARP for what BGP told. It pays from about 30 members on,
  where guests move, where routing between overlays is wanted, or where nobody wants to run \`apply\` everywhere for one
  MAC. From about 20 hosts on with reflectors: a full mesh has hosts × (hosts − 1) / 2 sessions.

The boundaries are judgments; the sums are not.

## Compiling

${compiledRows(compiled)}

Target: the plan of one host's share in less than ${TARGET} s of processor time: **${verdict(compiled)}**.

Part of what 200,000 steps take is the collection of garbage, as all of a plan is kept: see docs/decisions/2026-11-28-fabrics.md.

A host's share is made when it is asked for: together those of the largest fabric above would be 100 million entries.
Memory is the most that the process ever had, and is for the whole column above it.

## Applying

${rows(
  [
    "entries of one host",
    "apply",
    "observe and plan again: nothing to do",
    "one more host joins everywhere",
    "steps for it",
  ],
  [[number(carried.entries), time(carried.apply), time(carried.again), time(carried.join), number(carried.joinSteps)]],
)}
`;
}

const SIZES: readonly FabricSize[] = [
  { hosts: 100, overlays: 10, macs: 10_000, flood: "unicast" },
  { hosts: 1000, overlays: 10, macs: 1000, flood: "unicast" },
  { hosts: 1000, overlays: 100, macs: 0, flood: "multicast" },
  { hosts: 1000, overlays: 100, macs: 0, flood: "evpn" },
  { hosts: 1000, overlays: 100, macs: 100_000, flood: "multicast" },
  { hosts: 1000, overlays: 100, macs: 100_000, flood: "unicast" },
];
const CARRIED: FabricSize = { hosts: 101, overlays: 50, macs: 5050, flood: "unicast", carriers: 101 };

const self = fileURLToPath(import.meta.url);
if (process.argv[2] === "compile") {
  process.stdout.write(JSON.stringify(await compile(SIZES[Number(process.argv[3])] as FabricSize)));
} else if (process.argv[2] === "inside") {
  // Each in a process of its own: what one leaves in memory is not counted for the next.
  const compiled = SIZES.map((_, i): Compiled => {
    const { stdout, stderr, status } = spawnSync(process.execPath, [self, "compile", String(i)], {
      encoding: "utf8",
      maxBuffer: 1 << 24,
    });
    if (status !== 0) throw new Error(stderr);
    return JSON.parse(stdout) as Compiled;
  });
  writeFileSync("docs/scale.md", page(compiled, await carry(CARRIED)));
} else process.exitCode = await runInSandbox([process.execPath, self, "inside"]);
