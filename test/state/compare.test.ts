/** What becomes of one option that a link has and a document names: kept, changed in place, made again, or not to be known. */
import { deepEqual } from "node:assert/strict";
import { desiredOf } from "../../lib/state/desired.ts";
import type { Observed } from "../../lib/state/observed.ts";
import { plan } from "../../lib/state/plan.ts";
import { parseSource } from "../../lib/state/source.ts";

type Link = Readonly<Record<string, unknown>>;
const OTHERS = [
  { name: "eth0", mtu: 1500, up: true },
  { name: "br0", kind: "bridge", mtu: 1500, up: true },
  { name: "br1", kind: "bridge", mtu: 1500, up: true },
  { name: "bond0", kind: "bond", mode: "balance-rr", mtu: 1500, up: true },
];

/** What is planned for the link `x`, in a line for each step, and what of it is kept. */
function verdict(seen: Link, wanted: string, ports: readonly string[] = []): string {
  const observed = {
    links: [
      ...OTHERS.map((one) => (ports.includes(one.name) ? { ...one, master: "x" } : one)),
      { name: "x", mtu: 1400, up: true, ...seen },
    ],
  } as unknown as Observed;
  const found = plan(observed, desiredOf(parseSource(`linkwright: 1\nlinks: { x: { ${wanted} } }`)));
  const steps = found.steps
    .filter(({ subject }) => subject === "x")
    .map(({ action, differences }) =>
      [
        action,
        ...differences.map(({ field, from, to }) => `${field} ${JSON.stringify(from)}→${JSON.stringify(to)}`),
      ].join(" "),
    );
  const kept = found.kept
    .filter(({ subject }) => subject === "x")
    .map(({ fields, untold = [] }) =>
      ["kept", ...fields.filter((one) => one !== "up"), ...untold.map((one) => `${one}?`)].join(" "),
    );
  return [...steps, ...kept.filter((line) => line !== "kept")].join("; ");
}

const VXLAN = { kind: "vxlan", vni: 5, dev: "eth0" };
const BOND = { kind: "bond", mode: "active-backup" };

const TABLE: readonly (readonly [
  what: string,
  seen: Link,
  wanted: string,
  verdict: string,
  ports?: readonly string[],
])[] = [
  ["the same number", { alias: "a", txqlen: 1000 }, "txqlen: 1000", "kept txqlen"],
  ["another number", { txqlen: 500 }, "txqlen: 1000", "change txqlen 500→1000"],
  ["a MAC in other letters", { mac: "02:00:00:00:00:0a" }, "mac: 02:00:00:00:00:0A", "kept mac"],
  [
    "an IPv6 address in another form",
    { ...VXLAN, remote: "fd00::1" },
    'kind: vxlan, vni: 5, remote: "fd00:0::1"',
    "kept vni remote",
  ],
  ["no alias where there is none", {}, 'alias: ""', "kept alias"],
  ["no alias where there is one", { alias: "old" }, 'alias: ""', 'change alias "old"→""'],
  ["an alias where there is none", {}, "alias: new", 'change alias undefined→"new"'],
  ["no master where there is none", {}, "master: null", "kept master"],
  ["no master where there is one", { master: "br0" }, "master: null", 'change master "br0"→null'],
  ["a flag that is off, and so not told", VXLAN, "kind: vxlan, vni: 5, gbp: false", "kept vni gbp"],
  ["a flag that cannot be set later", VXLAN, "kind: vxlan, vni: 5, gbp: true", "recreate gbp undefined→true; kept vni"],
  ["a number that this kernel does not tell", VXLAN, "kind: vxlan, vni: 5, label: 7", "kept vni label?"],
  ["a word that this kernel does not tell", VXLAN, "kind: vxlan, vni: 5, df: set", "kept vni df?"],
  ["a flag that no kernel tells", VXLAN, "kind: vxlan, vni: 5, mcroute: true", "kept vni mcroute?"],
  [
    "a flag that is not told, and can be set later",
    VXLAN,
    "kind: vxlan, vni: 5, localbypass: true",
    "change localbypass undefined→true; kept vni",
  ],
  [
    "a far end where there is none",
    VXLAN,
    "kind: vxlan, vni: 5, remote: 192.0.2.1",
    'change remote undefined→"192.0.2.1"; kept vni',
  ],
  [
    "a device where there is none",
    { kind: "vxlan", vni: 5 },
    "kind: vxlan, vni: 5, dev: eth0",
    'change dev undefined→"eth0"; kept vni',
  ],
  ["a number of every link that is not told", {}, "group: 7", "change group undefined→7"],
  [
    "another far end",
    { ...VXLAN, remote: "192.0.2.1" },
    "kind: vxlan, vni: 5, remote: 192.0.2.2",
    'change remote "192.0.2.1"→"192.0.2.2"; kept vni',
  ],
  [
    "a far end of another family",
    { ...VXLAN, remote: "192.0.2.1" },
    "kind: vxlan, vni: 5, remote: fd00::2",
    'recreate remote "192.0.2.1"→"fd00::2"; kept vni',
  ],
  [
    "a source of another family than the far end",
    { ...VXLAN, remote: "192.0.2.1" },
    "kind: vxlan, vni: 5, local: fd00::1",
    'recreate local undefined→"fd00::1"; kept vni',
  ],
  [
    "a far end of another family than the source",
    { ...VXLAN, local: "fd00::1" },
    "kind: vxlan, vni: 5, remote: 192.0.2.1",
    'recreate remote undefined→"192.0.2.1"; kept vni',
  ],
  [
    "a far end of the family of the source",
    { ...VXLAN, local: "fd00::1" },
    "kind: vxlan, vni: 5, remote: fd00::2",
    'change remote undefined→"fd00::2"; kept vni',
  ],
  [
    "both ends of another family",
    { ...VXLAN, remote: "192.0.2.1", local: "192.0.2.2" },
    "kind: vxlan, vni: 5, ttl: 9, remote: fd00::1, local: fd00::2",
    'recreate remote "192.0.2.1"→"fd00::1", local "192.0.2.2"→"fd00::2", ttl undefined→9; kept vni',
  ],
  ["another VNI", VXLAN, "kind: vxlan, vni: 6", "recreate vni 5→6"],
  ["what a bond without ports may change", BOND, "kind: bond, mode: 802.3ad", 'change mode "active-backup"→"802.3ad"'],
  [
    "what a bond with ports may not",
    BOND,
    "kind: bond, mode: 802.3ad",
    'recreate mode "active-backup"→"802.3ad"',
    ["eth0"],
  ],
  [
    "what a bond with ports may change",
    { ...BOND, miimon: 100 },
    "kind: bond, miimon: 50",
    "change miimon 100→50",
    ["eth0"],
  ],
  [
    "an option of the port that differs",
    { master: "br0", port: { cost: 4, priority: 8 } },
    "port: { cost: 5, priority: 8 }",
    "change port.cost 4→5; kept port.priority",
  ],
  [
    "an option of the port at its next master",
    { master: "br0", port: { cost: 5 } },
    "master: br1, port: { cost: 5 }",
    'change master "br0"→"br1", port.cost undefined→5',
  ],
  [
    "an option of a link that becomes a port",
    {},
    "master: br0, port: { cost: 5 }",
    'change master undefined→"br0", port.cost undefined→5',
  ],
  [
    "options of a port that stays",
    { master: "br0", port: { cost: 5 } },
    "master: br0, port: { cost: 5 }",
    "kept master port.cost",
  ],
];

describe("an option of a link", () => {
  for (const [what, seen, wanted, expected, ports] of TABLE)
    it(`is ${what}`, () =>
      deepEqual(
        verdict(seen, wanted, ports).replaceAll(", ", " ").split("; "),
        expected.replaceAll(", ", " ").split("; "),
      ));
});

/** The links of a host as they are made again where one of them was removed and that is taken back. */
function undone(links: readonly Link[]): readonly unknown[] {
  const observed = { links: links.map((one) => ({ mtu: 1500, up: true, ...one })) } as unknown as Observed;
  const found = plan(observed, desiredOf(parseSource("linkwright: 1\nlinks: { x: { state: absent } }")));
  return found.steps.flatMap(({ moves }) => moves.flatMap(({ undo }) => undo.map(({ words }) => words)));
}

describe("a link that was removed comes back", () => {
  const x = { name: "x", kind: "bridge" };
  const made = { kind: "bridge", name: "x", up: true, mtu: 1500 };

  it("with what can be set of it, and not with what it only tells", () =>
    deepEqual(
      undone([
        { ...x, mac: "02:00:00:00:00:01", ageing: 300, operstate: "up", index: 7, rootId: "x", unheardOf: 1, ttl: 4 },
      ]),
      [{ ...made, mac: "02:00:00:00:00:01", ageing: 300 }],
    ));

  it("without a value that we would refuse ourselves", () =>
    deepEqual(undone([{ ...x, mtu: 12, ageing: "long", priority: 4096 }]), [
      { kind: "bridge", name: "x", up: true, priority: 4096 },
    ]));

  it("as the port that it was, but for what the bridge keeps of it", () =>
    deepEqual(
      undone([
        { name: "br0", kind: "bridge" },
        {
          name: "x",
          kind: "dummy",
          master: "br0",
          port: { state: "forwarding", cost: 5, learning: true, designatedPort: 3, unheardOf: 1 },
        },
      ]),
      [{ kind: "dummy", name: "x", up: true, mtu: 1500, master: "br0", port: { cost: 5, learning: true } }],
    ));

  it("as no port where it is none, whatever is told of one", () =>
    deepEqual(undone([{ ...x, kind: "dummy", port: { cost: 5 } }]), [{ ...made, kind: "dummy" }]));

  it("with its ports, which had to let go of it", () =>
    deepEqual(
      undone([
        x,
        { name: "a", master: "x", port: { cost: 5 } },
        { name: "b", master: "x", port: {} },
        { name: "c", master: "x" },
        { name: "d" },
      ]),
      [
        made,
        { name: "a", change: { master: "x", port: { cost: 5 } } },
        { name: "b", change: { master: "x" } },
        { name: "c", change: { master: "x" } },
      ],
    ));

  it("with the port that is in use named once it has it", () =>
    deepEqual(
      undone([
        { name: "x", kind: "bond", mode: "active-backup", primary: "a", activeSlave: "a", miimon: 100 },
        { name: "a", master: "x", port: { queueId: 3 } },
      ]),
      [
        { kind: "bond", name: "x", up: true, mtu: 1500, mode: "active-backup", miimon: 100 },
        { name: "a", change: { master: "x", port: { queueId: 3 } } },
        { name: "x", change: { primary: "a" } },
      ],
    ));

  it("without a choice of port that its mode does not have", () =>
    deepEqual(
      undone([
        { name: "x", kind: "bond", mode: "802.3ad", primary: "a" },
        { name: "a", master: "x" },
      ]),
      [
        { kind: "bond", name: "x", up: true, mtu: 1500, mode: "802.3ad" },
        { name: "a", change: { master: "x" } },
      ],
    ));
});
