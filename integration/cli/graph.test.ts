/** `linkwright graph` as a process: of documents, of a host, of a plan, of what the doctor finds. */
import assert from "node:assert";
import { spawnSync } from "node:child_process";
import { assertSandboxed } from "../../lib/testkit/index.ts";
import { needs } from "../../test/needs.ts";
import { Documents, example, linkwright, Machine } from "./kit.ts";

const FABRIC = `linkwright: 1
hosts:
  bm1: { underlay: ens34f0, vtep: 192.168.0.23, mtu: 9000 }
  bm2: { underlay: ens34f0, vtep: 192.168.0.24, mtu: 9000 }
  bm3: { underlay: ens34f0, vtep: 192.168.0.25, mtu: 9000 }
evpn: { asn: 64512, reflectors: [bm1], vrfs: { blue: { vni: 5000, table: 1100 } } }
overlays:
  vm: { vni: 39, flood: evpn, vrf: blue, gateway: { bm1: [10.0.0.1/24] } }
  red: { vni: 110, vlan: 10, bridge: br0, dstport: 4790, gateway: { bm1: [10.1.0.1/24] } }
  gray: { vni: 120, vlan: 20, bridge: br0, dstport: 4790, members: [bm1, bm2], flood: { multicast: 239.1.1.2, ttl: 9 } }
`;

/** Runs another program on what was drawn. */
function read(program: string, input: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { input, encoding: "utf8" });
  assert.equal(status, 0, stderr);
  return stdout;
}

describe("linkwright graph", function () {
  this.timeout(60_000);
  before(() => assertSandboxed());

  it("draws the hosts of a fabric with tunnels, VLANs, overlays, and who tells where addresses are", () => {
    using documents = new Documents();
    const file = documents.write(FABRIC);
    const { status, stdout } = linkwright("graph", file);
    assert.equal(status, 0);
    const expected = [
      "bm1",
      "  route reflector",
      "  br0  bridge, MTU 8950",
      "  ├─ br0.10  vlan, MTU 8950  VLAN 10  10.1.0.1/24",
      "  └─ vx-0  vxlan, MTU 8950  VLAN 10 in VNI 110  VLAN 20 in VNI 120  group 239.1.1.2  to 192.168.0.24, 192.168.0.25",
      "  │     └─ ens34f0  device, MTU 9000  VTEP 192.168.0.23",
      "     └─ ens34f0",
      "underlay network  BGP EVPN, AS 64512  reflected by bm1  239.1.1.2",
      "overlays",
      "  vm  VNI 39, UDP 4789  vx-vm on br-vm  EVPN, MTU 8950  routed by VRF blue  bm1, bm2, bm3",
      "  red  VNI 110, UDP 4790  vx-0 on br0, VLAN 10  unicast lists, MTU 8950  bm1, bm2, bm3",
      "  gray  VNI 120, UDP 4790  vx-0 on br0, VLAN 20  multicast 239.1.1.2, ttl 9, MTU 8950  bm1, bm2",
      "  VRF blue  VNI 5000, table 1100",
    ];
    for (const line of expected) assert.ok(stdout.split("\n").includes(line), `${line} in\n${stdout}`);
    assert.match(stdout, /vx-vm {2}vxlan, VNI 39, MTU 8950 {2}far ends by BGP$/m);
    const one = linkwright("graph", file, "--host", "bm2");
    assert.match(one.stdout, /^underlay network .* {2}192\.168\.0\.23 {2}192\.168\.0\.25/m);
    assert.equal(linkwright("graph", file, "--host", "bm9").status, 1);
  });

  it("draws what other programs read", function () {
    needs(this, "dot", "python3");
    using documents = new Documents();
    const file = documents.write(FABRIC);
    const drawn = read("dot", linkwright("graph", file, "--as", "dot").stdout, "-Tsvg");
    assert.equal(drawn.match(/class="cluster"/g)?.length, 4);
    const script =
      "import sys, xml.etree.ElementTree as t; r = t.fromstring(sys.stdin.read()); " +
      "print(len([e for e in r.iter() if e.get('class') == 'host']))";
    assert.equal(read("python3", linkwright("graph", file, "--as", "svg").stdout, "-c", script), "4\n");
    const { groups } = JSON.parse(linkwright("graph", file, "--json").stdout) as { groups: { name?: string }[] };
    assert.deepEqual(
      groups.map(({ name }) => name),
      ["bm1", "bm2", "bm3", undefined, "overlays"],
    );
  });

  it("marks what a plan adds, changes and removes, and nothing once it is so", async () => {
    await using machine = await Machine.create();
    using documents = new Documents();
    const file = documents.write(example("two-hosts"));
    const plan = (text: string): string => {
      const { status, stdout, stderr } = linkwright("graph", text, "--host", "bm1", "--plan", "--netns", machine.name);
      assert.equal(status, 0, stderr);
      return stdout;
    };
    const fresh = plan(file);
    assert.match(fresh, /^bm1\n {2}\+ nftables\n {2}~ \d+ sysctl\n {2}\+ br-vm /);
    assert.match(fresh, /^ {2}└─ \+ vxlan0 {2}vxlan, VNI 39, MTU 1450 /m);
    assert.match(fresh, /^ {5}└─ ens34f0 {2}device, MTU 1500|^ {5}└─ ens34f0 {2}veth, MTU 1500/m);
    assert.equal(linkwright("apply", file, "--host", "bm1", "--netns", machine.name).status, 0);
    assert.doesNotMatch(plan(file), /^[ └├─│]*[+~−] /m);
    const other = example("two-hosts").replace("kind: bridge\n", "kind: bridge\n    ageing: 100\n");
    const gone = other.replace(/vxlan0:\n[\s\S]*?mtu: auto.*\n\n/, "vxlan0: { state: absent }\n\n");
    const changed = plan(documents.write(gone.replace(/^sysctls:[\s\S]*?\n\n/m, ""), "other.yaml"));
    assert.match(changed, /^ {2}~ br-vm .*\(ageing/m);
    assert.match(changed, /− vxlan0 {2}vxlan, VNI 39/);
  });

  it("says where on the path of a sick host packets get no further", async () => {
    await using machine = await Machine.create();
    using documents = new Documents();
    const file = documents.write(example("two-hosts"));
    assert.equal(linkwright("apply", file, "--host", "bm1", "--netns", machine.name).status, 0);
    await machine.host.links.update("vxlan0", { up: false });
    const { status, stdout } = linkwright("graph", "--doctor", "--netns", machine.name);
    assert.equal(status, 0);
    assert.match(stdout, /✗ vxlan0 {2}vxlan, .*\(vxlan-down\)/);
    assert.equal(stdout.match(/⟵ no further$/gm)?.length, 1);
    const svg = linkwright("graph", "--doctor", "--as", "svg", "--netns", machine.name).stdout;
    assert.match(svg, /class="edge wrong"/);
  });

  const mistakes: readonly (readonly [line: string, said: RegExp])[] = [
    ["--as svgg", /^linkwright: --as: there is no "svgg" \(did you mean svg\?\); known are text, mermaid, dot, svg$/],
    ["--plan", /^linkwright: --plan needs a FILE to make a plan of$/],
    ["nowhere.yaml", /^linkwright: nowhere\.yaml:1:1: there is no such file$/],
  ];
  for (const [line, said] of mistakes)
    it(`refuses: linkwright graph ${line}`, () => {
      const { status, stdout, stderr } = linkwright("graph", ...line.split(" "));
      assert.deepEqual([status, stdout], [1, ""]);
      assert.match(stderr.trimEnd(), said);
    });
});
