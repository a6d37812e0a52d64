import { deepEqual, equal, match, ok } from "node:assert/strict";
import { columnsOf } from "../../lib/graph/columns.ts";
import { dot } from "../../lib/graph/dot.ts";
import { type Graph, type GraphLink, graphOf } from "../../lib/graph/graph.ts";
import { mermaid } from "../../lib/graph/mermaid.ts";
import { svg } from "../../lib/graph/svg.ts";
import { tree } from "../../lib/graph/text.ts";

const LINKS: readonly GraphLink[] = [
  { name: "vm1", kind: "veth", mtu: 1500, addresses: [], master: "br-vm" },
  { name: "br-vm", kind: "bridge", mtu: 1450, addresses: ["12.12.139.1/24"] },
  {
    name: "vxlan0",
    kind: "vxlan",
    mtu: 1450,
    vni: 39,
    addresses: [],
    master: "br-vm",
    dev: "up0",
    peers: ["192.0.2.24"],
  },
  { name: "up0", kind: "device", mtu: 1500, addresses: ["192.0.2.23/24"] },
  { name: "other", kind: "device", mtu: 1500, addresses: ["198.51.100.1/24"] },
];
const ONE = graphOf([{ name: "bm1", links: LINKS, marks: { vm1: { mark: "wrong", note: "guest-mtu" } } }]);
const HOSTILE = graphOf([
  {
    name: 'a"]; b',
    links: [
      { name: '</text>"\\n<x', kind: "bridge", addresses: ["`$(x)`"], dev: "y" },
      { name: "y", kind: "z", addresses: [] },
    ],
  },
]);

describe("pictures", () => {
  it("lead from the guest through bridge and tunnel to the network, and leave out what has no part in it", () => {
    deepEqual(
      ONE.edges.map(({ from, to }) => `${from} ${to}`),
      ["bm1/vm1 bm1/br-vm", "bm1/br-vm bm1/vxlan0", "bm1/vxlan0 bm1/up0", "bm1/up0 network"],
    );
    deepEqual(
      ONE.groups.map(({ name, nodes }) => [name, nodes.map(({ title, role }) => `${title}: ${role}`)]),
      [
        ["bm1", ["vm1: guest", "br-vm: bridge", "vxlan0: tunnel", "up0: underlay"]],
        [undefined, ["underlay network: network"]],
      ],
    );
    deepEqual(ONE.groups[1]?.nodes[0]?.lines, ["192.0.2.24"]);
  });

  it("join hosts by what is between them, where no far end is a stranger", () => {
    const far = LINKS.map((link) => ({
      ...link,
      addresses: link.name === "up0" ? ["192.0.2.24/24"] : [],
      ...(link.peers !== undefined && { peers: ["192.0.2.23"] }),
    }));
    const both = graphOf([
      { name: "bm1", links: LINKS },
      { name: "bm2", links: far },
    ]);
    deepEqual(both.groups.at(-1)?.nodes[0]?.lines, []);
    deepEqual(
      both.edges.filter(({ to }) => to === "network").map(({ from }) => from),
      ["bm1/up0", "bm2/up0"],
    );
  });

  it("are trees as text, each thing once", () => {
    deepEqual(
      tree(ONE, (mark, text) => (mark === undefined ? text : `[${text}]`)),
      [
        "bm1",
        "  br-vm  bridge, MTU 1450  12.12.139.1/24",
        "  ├─ [✗ vm1  veth, MTU 1500  (guest-mtu)]",
        "  └─ vxlan0  vxlan, VNI 39, MTU 1450",
        "     └─ up0  device, MTU 1500  192.0.2.23/24",
        "underlay network  192.0.2.24",
      ],
    );
  });

  for (const [form, draw] of Object.entries({ mermaid, dot, svg }))
    it(`have every node, way and mark as ${form}`, () => {
      const drawn = draw(ONE);
      for (const text of ["vm1", "br-vm", "vxlan0", "up0", "underlay network", "guest-mtu"])
        ok(drawn.includes(text), text);
      equal(drawn.match(/ --- | -- |class="edge"/g)?.length, 4);
      match(drawn, /:::wrong|firebrick|class="node wrong"/);
      ok(!drawn.includes("other"));
    });

  it("say where packets get no further, and what a plan does to ways", () => {
    const sick = graphOf([{ name: "bm1", links: LINKS, marks: { vxlan0: { mark: "wrong", note: "x", stops: true } } }]);
    deepEqual(
      sick.edges.filter(({ mark }) => mark !== undefined),
      [{ from: "bm1/vxlan0", to: "bm1/up0", mark: "wrong" }],
    );
    match(mermaid(sick), /^ {2}n2 ---x n3\n[\s\S]*^ {2}linkStyle 2 stroke:#cf222e/m);
    match(dot(sick), /"bm1\/vxlan0" -- "bm1\/up0" \[color=firebrick/);
    equal(svg(sick).match(/class="cross"/g)?.length, 1);
    ok(
      tree(sick, (_, text) => text).some((line) =>
        line.endsWith("✗ vxlan0  vxlan, VNI 39, MTU 1450  (x)  ⟵ no further"),
      ),
    );
    const planned = graphOf([
      { name: "bm1", links: LINKS, marks: { vxlan0: { mark: "added" }, vm1: { mark: "removed" } } },
    ]);
    deepEqual(
      planned.edges.map(({ mark }) => mark),
      ["removed", "added", "added", undefined],
    );
  });

  it("mark the network where packets get lost in it, and tell what belongs to no link", () => {
    const drawn = graphOf([{ name: "bm1", links: LINKS, remarks: [{ mark: "suspect", text: "forwarding-off" }] }], {
      marked: { mark: "wrong", note: "peer-silent", stops: true },
      lines: ["BGP EVPN, AS 64512"],
    });
    deepEqual(drawn.edges.at(-1), { from: "bm1/up0", to: "network", mark: "wrong" });
    deepEqual(drawn.groups.at(-1)?.nodes[0]?.lines, ["BGP EVPN, AS 64512", "192.0.2.24"]);
    for (const one of [mermaid(drawn), dot(drawn), svg(drawn), tree(drawn, (_, text) => text).join("\n")])
      ok(one.includes("forwarding-off") && one.includes("peer-silent"));
  });

  it("have overlays in a frame of their own, and count what is too much to read", () => {
    const far = Array.from({ length: 30 }, (_, at) => `198.51.100.${at + 1}`);
    const links = LINKS.map((link) => (link.peers === undefined ? link : { ...link, peers: far }));
    const drawn = graphOf([{ name: "bm1", links }], { overlays: [{ title: "vm", lines: ["VNI 39"] }] });
    deepEqual(drawn.groups.at(-1), {
      name: "overlays",
      nodes: [{ id: "overlay/0", title: "vm", lines: ["VNI 39"], role: "overlay" }],
    });
    deepEqual(drawn.groups.at(-2)?.nodes[0]?.lines.slice(-2), ["198.51.100.6", "and 24 more"]);
  });

  it("stand in columns: an overlay over another one is further in, bonds and VRFs lead on", () => {
    const stacked: readonly GraphLink[] = [
      { name: "br-in", kind: "bridge", addresses: [] },
      { name: "vx-in", kind: "vxlan", addresses: [], master: "br-in", dev: "br-out", peers: [] },
      { name: "br-out", kind: "bridge", addresses: [], master: "blue" },
      { name: "blue", kind: "vrf", addresses: [] },
      { name: "tap1", kind: "tun", addresses: [], master: "br-out" },
      { name: "vx-out", kind: "vxlan", addresses: [], master: "br-out", dev: "bond0", peers: ["192.0.2.2"] },
      { name: "bond0", kind: "bond", addresses: [] },
      { name: "eth0", kind: "device", addresses: [], master: "bond0" },
    ];
    const plain = LINKS.slice(1, 4);
    const graph = graphOf([
      { name: "a", links: stacked },
      { name: "b", links: plain },
    ]);
    const columns = columnsOf(graph).map((host) => host.map((column) => column.map(({ title }) => title).join(" ")));
    deepEqual(columns.slice(0, 2), [
      ["br-in", "vx-in blue tap1", "br-out", "vx-out", "bond0", "eth0"],
      ["", "", "br-vm", "vxlan0", "", "up0"],
    ]);
    deepEqual(
      graph.edges.filter(({ to }) => to === "network").map(({ from }) => from),
      ["a/eth0", "b/up0"],
    );
  });

  it("end, whatever hangs on what", () => {
    const round = graphOf([
      {
        name: "a",
        links: [
          { name: "x", kind: "vlan", addresses: [], dev: "y" },
          { name: "y", kind: "vlan", addresses: [], dev: "x" },
          { name: "z", kind: "bridge", addresses: [], master: "z" },
        ],
      },
    ]);
    for (const draw of [mermaid, dot, svg]) ok(draw(round).length > 0);
    equal(tree(round, (_, text) => text).length, 4);
  });

  it("are as wide and high as what is in them, and nothing lies on anything else", () => {
    const long = LINKS.map((link) => ({
      ...link,
      addresses: [...link.addresses, "2001:db8:1111:2222:3333:4444:5555:6666/64"],
    }));
    const hosts = Array.from({ length: 8 }, (_, at) => ({ name: `bm${at}`, links: at % 2 === 0 ? LINKS : long }));
    const overlays = Array.from({ length: 9 }, (_, at) => ({
      title: `overlay-${at}`,
      lines: ["VNI 1", "unicast lists"],
    }));
    const drawn = svg(graphOf(hosts, { overlays }));
    const [, width = 0, height = 0] = (/viewBox="0 0 (\S+) (\S+)"/.exec(drawn) ?? []).map(Number);
    const boxes = [...drawn.matchAll(/class="node[^"]*" x="(\S+)" y="(\S+)" width="(\S+)" height="(\S+)"/g)].map(
      (found) => {
        const [x = 0, y = 0, w = 0, h = 0] = found.slice(1).map(Number);
        return { left: x, top: y, right: x + w, bottom: y + h };
      },
    );
    equal(boxes.length, 8 * 4 + 1 + 9);
    boxes.forEach((one, at) => {
      ok(one.left >= 0 && one.top >= 0 && one.right <= width && one.bottom <= height, JSON.stringify(one));
      for (const other of boxes.slice(at + 1))
        ok(
          one.right <= other.left || other.right <= one.left || one.bottom <= other.top || other.bottom <= one.top,
          JSON.stringify([one, other]),
        );
    });
  });

  it("take any name: nothing of it is read as the form's own", () => {
    const inQuotes = /"(?:[^"\\]|\\.)*"/g;
    ok(!mermaid(HOSTILE).replaceAll(inQuotes, "").includes("x"));
    deepEqual(
      dot(HOSTILE)
        .replaceAll(inQuotes, "Q")
        .match(/^ {4}Q \[label=Q\];$/gm)?.length,
      2,
    );
    const outside = svg(HOSTILE).replaceAll(/<style>.*?<\/style>/gs, "");
    ok(outside.includes("&#60;/text&#62;&#34;") && !outside.includes("<x"));
  });

  it("are nothing where there is nothing", () => {
    const none: Graph = graphOf([{ name: "bm1", links: [] }]);
    deepEqual([none.groups, none.edges, tree(none, (_, text) => text)], [[], [], []]);
    ok(svg(none).endsWith("</svg>\n"));
  });
});
