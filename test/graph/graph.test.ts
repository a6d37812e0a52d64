import { deepEqual, equal, match, ok } from "node:assert/strict";
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
