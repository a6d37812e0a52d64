/** The founding story's commands, pasted as they stand, are examples/two-hosts.yaml, with their slips named. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { derive } from "../../lib/fabric/fabric.ts";
import { type Commands, importCommands } from "../../lib/import/commands.ts";
import { writeDraft } from "../../lib/import/draft.ts";
import { formatFinding } from "../../lib/import/finding.ts";
import { type Desired, desiredOf } from "../../lib/state/desired.ts";
import { parseSource } from "../../lib/state/source.ts";

const fixture = (name: string): string => readFileSync(`test/fixtures/import/${name}`, "utf8");
const files = (one: string, other: string): Commands[] => [
  { host: one, file: "bm1.txt", text: fixture("founding-story-bm1.txt") },
  { host: other, file: "bm2.txt", text: fixture("founding-story-bm2.txt") },
];
const desired = (text: string, host: string): Desired => desiredOf(derive(parseSource(text), host));

/** What a host shall look like, without places in files, and in an order that means nothing. */
function meaning({ links, addresses, sysctls, table, guests, routes, fdb }: Desired): unknown {
  const plain = (list: readonly { readonly path: unknown }[]): string[] =>
    list.map(({ path: _, ...rest }) => JSON.stringify(sorted(rest))).sort();
  return {
    links: plain(links),
    sysctls: plain(sysctls),
    entries: plain([...addresses, ...routes, ...fdb]),
    table,
    guests,
  };
}
function sorted(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, one]) => [key, sorted(one)]),
  );
}

describe("import: the founding story", () => {
  const example = readFileSync("examples/two-hosts.yaml", "utf8");
  /** What stands in no command: the bridge's own address, and what the guests carry inside. */
  const sayable = example.replace(/\n +addresses: \{ bm1.*\}/, "").replace(", inside: [ovn-kubernetes]", "");

  it("comes to the example for both hosts", () => {
    ok(sayable.length < example.length - 40);
    const text = writeDraft(importCommands(files("bm1", "bm2")).draft);
    for (const host of ["bm1", "bm2"]) deepEqual(meaning(desired(text, host)), meaning(desired(sayable, host)));
  });

  it("is the whole article, headings for hosts and all", () => {
    const { draft, findings } = importCommands([{ file: "story.md", text: fixture("founding-story.md") }]);
    const { draft: both } = importCommands(files("baremetal1", "baremetal2"));
    deepEqual(JSON.parse(JSON.stringify(draft.value)), JSON.parse(JSON.stringify(both.value)));
    const told = findings.map((one) => formatFinding(one));
    const slips = [
      "story.md:6: warning: the text says VNI 10010, and line 13 makes vxlan0 with 39; the document takes that of the command; both ends need the same",
      "story.md:14: error: vxlan0 is put into br0, which no line makes; lines 38, 55–56 speak of br-vm; the document takes br-vm for both; write master br-vm",
      "story.md:14: warning: no line makes the bridge br-vm; the document makes it; write ip link add br-vm type bridge, and ip link set br-vm up",
      "story.md:28: warning: vxlan0 is deleted here, and used later by line 39; the deletion is left out; take the line away",
      "story.md:38: warning: at boot this file is read before there is br-vm, vxlan0: lines 38–39 then have no effect; the document sets them once the links are there",
      "story.md:47: note: firewall rules of lines 47, 55–56 are gone after a reboot; apply the document at boot",
      "story.md:57: note: sysctls of line 57 are gone after a reboot; apply the document at boot",
    ];
    for (const slip of slips) ok(told.includes(slip), `${slip}\nis not in\n${told.join("\n")}`);
  });

  it("is one host's document where there is one file", () => {
    const [first] = files("bm1", "bm2");
    const { draft } = importCommands([{ file: "bm1.txt", text: first?.text ?? "" }]);
    const text = writeDraft(draft);
    deepEqual(meaning(desiredOf(parseSource(text))), meaning(desired(sayable, "bm1")));
    equal(
      text,
      `linkwright: 1

links:
  # Line 2 says br0, which no line makes.
  # Its address in 12.12.139.0/24, the guests' gateway, stands in no line: addresses: [ … ]
  br-vm:
    kind: bridge
    mtu: auto
  vxlan0:
    kind: vxlan
    vni: 39
    dev: ens34f0
    remote: 192.168.0.24
    dstport: 4789
    master: br-vm
    mtu: auto

sysctls:
  net.ipv4.conf.{all,default,ens34f0,br-vm,vxlan0}.rp_filter: 0
  net.ipv4.ip_forward: 1

nat:
  - { masquerade: 12.12.139.0/24, out: ens34f0 }

forward:
  - { in: br-vm, out: ens34f0, accept: all }
  - { in: ens34f0, out: br-vm, accept: replies }

guests: { on: br-vm, mtu: auto }
`,
    );
  });
});
