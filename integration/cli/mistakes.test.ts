/** Every mistake in a document, through the command: told in lines with their place, and nothing is touched. */
import assert from "node:assert";
import { assertSandboxed } from "../../lib/testkit/index.ts";
import { Documents, example, linkwright, Machine } from "./kit.ts";

const HEAD = "linkwright: 1\n";
const link = (options: string): string => `${HEAD}links:\n  vx: { kind: vxlan, ${options} }\n`;

/** A document, and the line and column at fault. */
const MISTAKES: readonly (readonly [what: string, text: string | Uint8Array, place: string])[] = [
  ["an empty file", "", "1:1"],
  ["no YAML", `${HEAD}links: {\n`, "3:1"],
  ["a list", "- a\n", "1:1"],
  ["bytes that are not text", Uint8Array.of(0xff, 0xfe, 0x00), "1:1"],
  ["no version", "links: {}\n", "1:1"],
  ["another version", "linkwright: 2\n", "1:13"],
  ["an unknown key", `${HEAD}linsk: {}\n`, "2:1"],
  ["a key twice", `${HEAD}links: {}\nlinks: {}\n`, "3:1"],
  ["an unknown kind", `${HEAD}links:\n  a: { kind: vxlna }\n`, "3:14"],
  ["an unknown option", link("vin: 3"), "3:22"],
  ["a VNI that is too large", link("vni: 16777216"), "3:27"],
  ["a VNI that is text", link("vni: many"), "3:27"],
  ["a port that is too large", link("vni: 1, dstport: 70000"), "3:39"],
  ["an address that is none", link("vni: 1, remote: 192.168.0.256"), "3:38"],
  ["addresses of two families", link("vni: 1, local: 'fd00::1', remote: 192.0.2.1"), "3:37"],
  ["a name that is too long", `${HEAD}links:\n  sixteen-letters-: { kind: bridge }\n`, "3:3"],
  ["a name with a slash", `${HEAD}links:\n  a/b: { kind: bridge }\n`, "3:3"],
  ["a name that would move the cursor", `${HEAD}links:\n  "a\\e[2J": { kind: bridge }\n`, "3:3"],
  ["an underlay that is not there", link("vni: 1, dev: eth9"), "3:35"],
  ["an MTU that is too small", `${HEAD}links:\n  b: { kind: bridge, mtu: 12 }\n`, "3:27"],
  ["an MTU below IPv4's least", `${HEAD}links:\n  b: { kind: bridge, mtu: 67 }\n`, "3:27"],
  ["an MTU that is too large", `${HEAD}links:\n  b: { kind: bridge, mtu: 65536 }\n`, "3:27"],
  ["a name with a newline", `${HEAD}links:\n  "a\\nb": { kind: bridge }\n`, "3:3"],
  ["an unknown sysctl value", `${HEAD}sysctls:\n  net.ipv4.conf.all.rp_filter: 7\n`, "3:32"],
  ["a sysctl outside of net", `${HEAD}sysctls:\n  kernel.panic: 1\n`, "3"],
  ["a sysctl that climbs", `${HEAD}sysctls:\n  net.ipv4.../../kernel/panic: 1\n`, "3"],
  ["a network that is none", `${HEAD}nat:\n  - { masquerade: 12.12.139.0/33, out: ens34f0 }\n`, "3:19"],
  ["an unknown word", `${HEAD}forward:\n  - { in: ens34f0, out: ens34f0, accept: some }\n`, "3:42"],
  ["a variable without hosts", link("vni: 1, dev: $underlay"), "3:35"],
];

const BM1 = "  bm1: { underlay: ens34f0, vtep: 192.168.0.23 }\n";
const BM2 = "  bm2: { underlay: ens34f0, vtep: 192.168.0.24 }\n";

/** Hosts and overlays that contradict themselves, the line and column at fault, and the host that is asked for. */
const FABRICS: readonly (readonly [what: string, text: string, place: string, host?: string])[] = [
  ["one VTEP on two hosts", `${BM1}${BM2.replace("24", "23")}overlays: { vm: { vni: 39 } }\n`, "4:35"],
  [
    "one VNI twice on one port",
    `${BM1}${BM2}overlays:\n  one: { vni: 39 }\n  two: { vni: 39, bridge: br-other }\n`,
    "7:15",
  ],
  [
    "mixed families in an overlay",
    `${BM1}${BM2}overlays:\n  vm: { vni: 39, gateway: { bm1: [10.0.0.1/24], bm2: ["fd00::2/64"] } }\n  pods: { vni: 40, over: vm }\n`,
    "7:3",
  ],
  ["a member without VTEP", `${BM1}  bm2: { underlay: ens34f0 }\noverlays: { vm: { vni: 39 } }\n`, "4:3"],
  ["EVPN without a number of its AS", `${BM1}${BM2}overlays:\n  vm: { vni: 39, flood: evpn }\n`, "6:25"],
  ["a host that the document lacks", `${BM1}${BM2}overlays: { vm: { vni: 39 } }\n`, "2:1", "bm9"],
];

describe("mistakes in a document, through the command", function () {
  this.timeout(30_000);
  before(() => assertSandboxed());
  let machine: Machine;
  before(async () => {
    machine = await Machine.create();
  });
  after(() => machine[Symbol.asyncDispose]());

  for (const [what, text, place] of MISTAKES)
    it(`${what}: exit code 1, the place, and nothing touched`, async () => {
      using documents = new Documents();
      const file = documents.write(text);
      const before = await machine.state();
      const { status, stdout, stderr } = linkwright("apply", file, "--netns", machine.name);
      assert.equal(await machine.state(), before);
      assert.deepEqual([status, stdout], [1, ""], stderr);
      assert.match(stderr, /^linkwright: .*document\.yaml:\d+:\d+: [^\n]+\n$/);
      assert.ok(stderr.includes(`document.yaml:${place}:`), `${place} in ${stderr}`);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: nothing of it may reach a terminal
      assert.doesNotMatch(stderr, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]|at .*\.js/);
    });

  for (const [what, overlays, place, host = "bm1"] of FABRICS)
    it(`${what}: exit code 1, one line with the place, and nothing touched`, async () => {
      using documents = new Documents();
      const file = documents.write(`${HEAD}hosts:\n${overlays}`);
      const before = await machine.state();
      for (const command of ["plan", "apply"]) {
        const { status, stdout, stderr } = linkwright(command, file, "--host", host, "--netns", machine.name);
        assert.deepEqual([status, stdout], [1, ""], stderr);
        assert.match(stderr, /^linkwright: [^\n]*document\.yaml:\d+:\d+: [^\n]+\n$/);
        assert.ok(stderr.includes(`document.yaml:${place}: `), `${place} in ${stderr}`);
      }
      assert.equal(await machine.state(), before);
    });

  it("hosts of two families", async () => {
    using documents = new Documents();
    const hosts =
      "hosts:\n  bm1: { underlay: ens34f0, vtep: 192.168.0.23 }\n  bm2: { underlay: ens34f0, vtep: 'fd00::24' }\n";
    const file = documents.write(
      `${HEAD}${hosts}links:\n  vx: { kind: vxlan, vni: 39, dev: $underlay, remote: $peer }\n`,
    );
    const before = await machine.state();
    const { status, stderr } = linkwright("apply", file, "--host", "bm1", "--netns", machine.name);
    assert.equal(await machine.state(), before);
    assert.equal(status, 1);
    assert.match(stderr, /^linkwright: [^\n]*document\.yaml:\d+:\d+: [^\n]+\n$/);
  });

  it("a host without the document's underlay: one line, where the hosts are", () => {
    using documents = new Documents();
    const file = documents.write(example("two-hosts").replaceAll("ens34f0", "ens9"));
    const { status, stderr } = linkwright("apply", file, "--host", "bm1", "--netns", machine.name);
    assert.equal(status, 1);
    assert.match(
      stderr,
      /^linkwright: [^\n]*document\.yaml:6:20: hosts\.bm1\.underlay: there is no link ens9 on this host, which has lo, [^\n]+\n$/,
    );
  });

  it("a host that the document does not have, and a document without hosts", () => {
    using documents = new Documents();
    const hosts = `${HEAD}hosts:\n  bm1: { underlay: ens34f0, vtep: 192.168.0.23 }\n`;
    for (const [text, ...args] of [[hosts, "--host", "bm2"], [hosts], [HEAD, "--host", "bm1"]] as const) {
      const { status, stderr } = linkwright("plan", documents.write(text), ...args, "--netns", machine.name);
      assert.equal(status, 1);
      assert.match(stderr, /^linkwright: [^\n]*document\.yaml:\d+:\d+: [^\n]+\n$/);
    }
  });

  it("a file that is not there, and a directory", () => {
    for (const [file, reason] of [
      ["/no/such.yaml", /there is no such file/],
      ["/tmp", /this is a directory/],
    ] as const) {
      const { status, stderr } = linkwright("plan", file);
      assert.equal(status, 1);
      assert.match(stderr, /^linkwright: [^\n]+\n$/);
      assert.match(stderr, reason);
    }
  });

  it("what only the kernel refuses: told in one line, and all steps before it undone", async () => {
    using documents = new Documents();
    await machine.host.links.create({ kind: "vxlan", name: "theirs", vni: 39, dev: "ens34f0", remote: "192.168.0.9" });
    const before = await machine.state();
    const vxlan = "vx: { kind: vxlan, vni: 39, dev: ens34f0, remote: 192.168.0.24, dstport: 4789, master: br }";
    const file = documents.write(
      `${HEAD}links:\n  br: { kind: bridge }\n  ${vxlan}\nsysctls: { net.ipv4.ip_forward: 1 }\n`,
    );
    const { status, stderr } = linkwright("apply", file, "--netns", machine.name);
    assert.equal(status, 1);
    assert.match(
      stderr,
      /^linkwright: [^\n]*document\.yaml:4:27: cannot create link vx \(step \d of \d, undone\): [^\n]*already exists: theirs has vni 39 dstport 4789 \(EEXIST, at links\.vx\.vni\)\n$/,
    );
    const { links } = machine.host;
    assert.equal(await links.get("br"), undefined);
    assert.equal(await machine.state(), before);
    await links.delete("theirs");
  });
});
