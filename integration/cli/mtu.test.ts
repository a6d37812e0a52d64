/** `linkwright mtu` as a process: from flags, from a document, from a host. */
import assert from "node:assert";
import { assertSandboxed } from "../../lib/testkit/index.ts";
import { Documents, example, linkwright, Machine } from "./kit.ts";

interface Told {
  readonly paths: readonly {
    readonly hops: readonly { readonly name: string; readonly mtu: number }[];
    readonly guest: { readonly mtu: number; readonly on?: string };
    readonly inside: readonly { readonly name: string; readonly mtu: number }[];
    readonly remarks: readonly { readonly name: string; readonly level: string; readonly text: string }[];
  }[];
  readonly remarks: readonly { readonly name: string; readonly level: string; readonly text: string }[];
}

function told(...args: readonly string[]): Told {
  const { stdout, stderr } = linkwright("mtu", ...args, "--json");
  assert.equal(stderr, "");
  return JSON.parse(stdout) as Told;
}

describe("linkwright mtu", function () {
  this.timeout(30_000);
  before(() => assertSandboxed());

  it("answers the founding story on paper", () => {
    const { status, stdout } = linkwright("mtu", "--underlay", "1500", "--inside", "ovn-kubernetes,calico");
    assert.equal(status, 0);
    assert.match(stdout, /^ +vxlan +1450 {2}1500 − 50: outer IPv4 20 \+ UDP 8 \+ VXLAN 8 \+ inner Ethernet 14$/m);
    assert.match(stdout, /^ +guest +1450 /m);
    assert.match(stdout, /^ +ovn-kubernetes +inside the guest +1350 {2}1450 − 100: /m);
    assert.match(stdout, /^ +calico +inside the guest +1400 {2}1450 − 50: /m);
    assert.match(stdout, /tell the guest 1450$/m);
  });

  it("says the same of a document on paper, on its host before, and on its host after", async () => {
    await using machine = await Machine.create();
    using documents = new Documents();
    const file = documents.write(example("two-hosts"));
    const on = ["--netns", machine.name];
    const want = { mtu: 1450, on: "br-vm" };
    const guests = (found: Told) => found.paths.map(({ guest: { mtu, on } }) => ({ mtu, on }));
    const before = await machine.state();
    assert.deepEqual(guests(told(file, "--host", "bm1", "--underlay", "1500")), [want]);
    assert.deepEqual(guests(told(file, "--host", "bm1", ...on)), [want]);
    assert.match(linkwright("mtu", ...on).stderr, /no tunnel and no bridge of guests here/);
    assert.equal(await machine.state(), before);

    assert.equal(linkwright("apply", file, "--host", "bm1", ...on).status, 0);
    const found = told(...on);
    assert.deepEqual(guests(found), [want]);
    assert.deepEqual(
      found.paths[0]?.hops.map(({ name, mtu }) => [name, mtu]),
      [
        ["ens34f0", 1500],
        ["vxlan0", 1450],
        ["br-vm", 1450],
      ],
    );
    assert.equal(linkwright("mtu", ...on).status, 0);
  });

  it("tells where the host and the document disagree, and of a port that is too large; apply warns of it too", async () => {
    await using machine = await Machine.create();
    using documents = new Documents();
    const file = documents.write(example("two-hosts"));
    const of = [file, "--host", "bm1", "--netns", machine.name];
    assert.equal(linkwright("apply", ...of).status, 0);
    await machine.host.links.create({ kind: "veth", name: "tap1", peer: { name: "guest1" }, up: true });
    await machine.host.links.update("tap1", { master: "br-vm" });
    const { stdout } = linkwright("apply", ...of);
    assert.match(stdout, /^! guests: tap1 on br-vm has MTU 1500, and only 1450 get through/m);
    await machine.host.links.update("vxlan0", { mtu: 1400 });
    const run = linkwright("mtu", ...of);
    assert.equal(run.status, 2);
    assert.match(run.stdout, /^✗ tap1: MTU 1500 lets packets in/m);
    assert.match(run.stdout, /^✗ vxlan0: the host has MTU 1400, and the document makes it 1450$/m);
  });

  it("warns before the kernel refuses an MTU", async () => {
    await using machine = await Machine.create();
    using documents = new Documents();
    const text = "linkwright: 1\nlinks: { mv: { kind: macvlan, dev: ens34f0, mtu: 1600 } }\n";
    const file = documents.write(text);
    const planned = linkwright("plan", file, "--netns", machine.name);
    assert.match(planned.stdout, /^! mv: the kernel refuses MTU 1600 over ens34f0, which carries 1500/m);
    assert.equal(linkwright("apply", file, "--netns", machine.name).status, 1);
    assert.equal(await machine.host.links.get("mv"), undefined);
  });

  it("finds the underlay of a VXLAN without a device by its route, and IPv6 by its list of far ends", async () => {
    await using machine = await Machine.create();
    const { links, fdb } = machine.host;
    await links.create({ kind: "vxlan", name: "vx", vni: 1, remote: "192.168.0.24", dstport: 4789, up: true });
    const [path] = told("--netns", machine.name).paths;
    assert.deepEqual(
      path?.hops.map(({ name, mtu }) => [name, mtu]),
      [
        ["ens34f0", 1500],
        ["vx", 1500],
      ],
    );
    assert.equal(path?.guest.mtu, 1450);
    await links.delete("vx");
    for (const which of ["all", "default", "ens34f0"])
      await machine.host.sysctls.set(`net.ipv6.conf.${which}.disable_ipv6`, 0);
    await links.create({ kind: "vxlan", name: "vx", vni: 1, dev: "ens34f0", local: "2001:db8::1", dstport: 4789 });
    await fdb.append({ mac: "00:00:00:00:00:00", dev: "vx", dst: "2001:db8::2" });
    assert.equal(told("--netns", machine.name).paths[0]?.guest.mtu, 1430);
  });

  it("reckons with no device that is not there", () => {
    using documents = new Documents();
    const file = documents.write(example("two-hosts"));
    const { status, stdout, stderr } = linkwright("mtu", file, "--host", "bm1");
    assert.deepEqual([status, stdout], [1, ""]);
    assert.match(stderr, /^linkwright: vxlan0: this host has no ens34f0; .* --underlay 1500\n$/);
  });

  it("reckons on paper with an underlay for a VXLAN that names none", () => {
    using documents = new Documents();
    const text =
      "linkwright: 1\nlinks:\n  br: { kind: bridge }\n" +
      "  vx: { kind: vxlan, vni: 1, remote: 192.0.2.1, local: 192.0.2.2, master: br }\nguests: { on: br }\n";
    const [path] = told(documents.write(text), "--underlay", "1400").paths;
    assert.deepEqual([path?.hops.map(({ name, mtu }) => [name, mtu])[0], path?.guest.mtu], [["underlay", 1400], 1350]);
  });

  it("prints what to paste, and only that", () => {
    const one = linkwright("mtu", "--underlay", "1500", "--paste", "dnsmasq");
    assert.deepEqual(
      [one.status, one.stdout.split("\n").filter((line) => !line.startsWith("#"))],
      [0, ["dhcp-option=26,1450", ""]],
    );
    const all = linkwright("mtu", "--underlay", "1500", "--paste", "all").stdout;
    for (const word of ["libvirt", "dnsmasq", "kea", "cloud-init", "netplan", "ip", "openshift", "nmstate"])
      assert.match(all, new RegExp(`^(#|//|<!--) ${word}: `, "m"));
  });

  const mistakes: readonly (readonly [line: string, said: RegExp])[] = [
    ["--underlay x", /^linkwright: --underlay is a number of bytes from 68 to 65535, not "x"$/],
    ["--underlay 67", /^linkwright: --underlay is a number of bytes from 68 to 65535, not "67"$/],
    [
      "--underlay 1500 --through vxlna",
      /^linkwright: --through: there is no "vxlna" \(did you mean vxlan\?\); known are /,
    ],
    ["--underlay 1500 --inside calicoo", /^linkwright: --inside: there is no "calicoo" \(did you mean calico\?\)/],
    ["--underlay 1500 --paste ip,foo", /^linkwright: --paste: there is no "foo"; known are libvirt, /],
    ["--through vxlan", /^linkwright: --through is for a plan on paper: give --underlay, and no FILE$/],
    ["--host bm1 --underlay 1500", /^linkwright: --host chooses of a document: give its FILE$/],
    ["--underlay 100", /^linkwright: vxlan: nothing is left for packets: 100 − 50/],
    ["a b", /^linkwright: mtu does not take "b": linkwright mtu \[FILE\]$/],
  ];
  for (const [line, said] of mistakes)
    it(`refuses: linkwright mtu ${line}`, () => {
      const { status, stdout, stderr } = linkwright("mtu", ...line.split(" "));
      assert.deepEqual([status, stdout], [1, ""]);
      assert.match(stderr.trimEnd(), said);
    });
});
