/** Documents as files of systemd: the text, what cannot be said, and files of others. */
import { deepEqual, doesNotMatch, equal, match, ok, rejects, throws } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { derive } from "../../lib/fabric/fabric.ts";
import { desiredOf, parseSource } from "../../lib/state/index.ts";
import { directFiles } from "../../lib/systemd/direct.ts";
import { type Exported, exportFiles, parseVersion, writeFiles } from "../../lib/systemd/index.ts";
import { bodyOf, originOf, seal } from "../../lib/systemd/provenance.ts";
import { isPlainName, printSections, quoteArgument } from "../../lib/systemd/section.ts";
import { skip } from "../needs.ts";

function exported(text: string, version: number, host?: string): Exported {
  const desired = desiredOf(derive(parseSource(text, "document.yaml"), host));
  return exportFiles({ desired, text, version, ...(host === undefined ? {} : { host }) });
}
function direct(text: string, host?: string): Exported {
  const desired = desiredOf(derive(parseSource(text, "document.yaml"), host));
  return directFiles({ desired, text, version: 252, ...(host === undefined ? {} : { host }) });
}
/** The files without their heads, one after the other. */
const bodies = ({ files }: Exported): string =>
  files.map(({ path, text }) => `#### ${path}\n${bodyOf(text)}`).join("\n");
const founding = readFileSync("examples/two-hosts.yaml", "utf8");
const external = `
linkwright: 1
links:
  vx: { kind: vxlan, external: true, dstport: 4789, master: br }
  br: { kind: bridge, fdbMaxLearned: 100, noLinklocalLearn: true }
`;

describe("systemd export", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "linkwright-test-"));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  for (const name of readdirSync("examples").filter((one) => one.endsWith(".yaml")))
    for (const version of [247, 252, 257, 262])
      it(`writes ${name} for systemd ${version}`, () => {
        const golden = `${name.slice(0, -5)}${version < 250 ? "-247" : ""}.txt`;
        const text = readFileSync(join("examples", name), "utf8");
        equal(bodies(exported(text, version, "bm1")), readFileSync(join("test/fixtures/systemd", golden), "utf8"));
      });

  it("leaves to apply what is newer than the target, and says so", () => {
    const reasons = (version: number) =>
      exported(external, version).unsaid.map(({ by, path }) => `${by} ${path.join(".")}`);
    deepEqual(reasons(252), [
      "apply links.vx.external",
      "apply links.br.fdbMaxLearned",
      "apply links.br.noLinklocalLearn",
    ]);
    deepEqual(reasons(257), ["apply links.vx.external", "apply links.br.noLinklocalLearn"]);
    deepEqual(reasons(262), []);
    match(bodies(exported(external, 262)), /External=yes/);
    match(
      bodies(exported(external, 252)),
      /ExecStart=\/usr\/bin\/env linkwright apply \/etc\/linkwright\/document.yaml --confirm 0/,
    );
  });

  it("has networkd make a VXLAN that names no link below, whose file would have it made otherwise", () => {
    for (const words of ["external: true", "vni: 7"])
      match(
        bodies(exported(`linkwright: 1\nlinks: { vx: { kind: vxlan, ${words} } }\n`, 262)),
        /^\[VXLAN\]\nIndependent=yes$/m,
      );
  });

  it("names what no version can say", () => {
    const { unsaid } = exported(
      "linkwright: 1\nlinks:\n  v: { kind: veth, peer: { name: far, netns: blue } }\n  'a:b': { kind: bridge }\n  w: { kind: bridge, mcastMldVersion: 2 }\n",
      262,
    );
    deepEqual(
      unsaid.map(({ path, reason }) => `${path.join(".")}: ${reason}`),
      [
        "links.v.peer: networkd cannot put an end into another namespace",
        "links.a:b: systemd's files cannot hold such a name",
        "links.w.mcastMldVersion: networkd has no key for it",
      ],
    );
  });

  it("has networkd keep rules, and keep its hands off what it is not told of", () => {
    const text = `linkwright: 1
links:
  e0: { addresses: [192.0.2.2/24] }
  vx: { kind: vxlan, vni: 7, dev: e0, remote: 192.0.2.9 }
  b0: { kind: bridge }
nexthops: [{ id: 7, via: 192.0.2.1, dev: e0 }, { id: 6, via: 192.0.2.1, dev: e0 }, { id: 8, group: [{ id: 6 }] }, { id: 9, via: 192.0.2.9, fdb: true }]
routes: [{ dst: 198.51.100.0/24, nhid: 7 }, { dst: 198.51.101.0/24, nhid: 8 }, { dst: 198.51.101.0/24, nhid: 99, table: 9 }]
rules: [{ from: 10.0.0.0/8, table: 7, priority: 5 }, { from: 10.0.0.0/8, goto: 9, priority: 6 }]
`;
    const files = bodies(exported(text, 252));
    match(
      files,
      /10-linkwright-b0\.network[^#]*\[RoutingPolicyRule\]\nPriority=5\nFamily=ipv4\nFrom=10\.0\.0\.0\/8\nTable=7\n/,
    );
    doesNotMatch(files, /Priority=6|NextHop/);
    const dropIn = (version: number): string =>
      /networkd\.conf\.d\/90-linkwright\.conf\n([^#]*)/.exec(bodies(exported(text, version)))?.[1]?.trim() ?? "";
    const [rule, route, nexthop] = ["RoutingPolicyRules", "Routes", "NextHops"].map((one) => `ManageForeign${one}=no`);
    equal(dropIn(247), `[Network]\n${route}`);
    equal(dropIn(252), `[Network]\n${rule}\n${route}`);
    equal(dropIn(257), `[Network]\n${rule}\n${route}\n${nexthop}`);
    const notes = (version: number): readonly string[] =>
      exported(text, version).unsaid.flatMap(({ by, path, reason }) =>
        by === "nothing" && path.length === 1 ? [`${path[0]}: ${reason}`] : [],
      );
    match(
      notes(252).join("\n"),
      /rules: .*90-linkwright\.conf keeps networkd .*once it was started again: systemctl restart/,
    );
    match(notes(252).join("\n"), /routes: .*not so when it configures a link anew: systemctl reload linkwright-apply/);
    match(notes(252).join("\n"), /nexthops: networkd of 252 takes away .*since 256 only/);
    doesNotMatch(notes(257).join("\n"), /restart|not so|only/);
    equal(
      dropIn(257).length > 0 && /networkd\.conf/.test(bodies(exported(text.replace(/nexthops[\s\S]*/, ""), 257))),
      false,
    );
  });

  it("lets no name begin a line or stand for something else", () => {
    for (const name of ["a\nb", "a%b", 'a"b', "a*", "a b", "../a", "a\\b", "!a", "42", "a:b"])
      equal(isPlainName(name), false, name);
    equal(quoteArgument('a "b" 100% $HOME'), '"a \\"b\\" 100%% $$HOME"');
    for (const value of ["a\n[Service]", "a\0", "a\r", "a\\", " a"])
      throws(() => printSections([{ name: "Unit", entries: [["Description", value]] }]), { code: "ERR_UNIT_TEXT" });
  });

  it("refuses versions that are none, or too old", () => {
    equal(parseVersion("252.39-1~deb12u1"), 252);
    for (const text of ["", "new", "25x", "246"]) throws(() => parseVersion(text), { code: "ERR_SYSTEMD_VERSION" });
  });

  it("writes over its own files only, and over none where one is not", async () => {
    const { files } = exported(founding, 252, "bm1");
    await writeFiles(directory, files);
    await writeFiles(directory, files);
    const network = join(directory, "etc/systemd/network");
    deepEqual(
      readdirSync(network).filter((name) => name.startsWith(".")),
      [],
    );
    const file = join(network, "10-linkwright-br-vm.network");
    equal(lstatSync(file).mode & 0o777, 0o644);
    equal(originOf(readFileSync(file, "utf8")), "ours");

    const last = join(directory, "etc/systemd/system/linkwright-nftables.service");
    writeFileSync(last, `${readFileSync(last, "utf8")}# mine\n`);
    rmSync(file);
    await rejects(writeFiles(directory, files), /changed by hand/);
    throws(() => lstatSync(file), { code: "ENOENT" });
    writeFileSync(last, "[Unit]\n");
    await rejects(writeFiles(directory, files), /somebody else's/);
  });

  it("names in each file what it is made of, and leaves one as it is that would say the same", async () => {
    const files = (text: string, tool: string) =>
      exportFiles({ desired: desiredOf(parseSource(text, "document.yaml")), text, version: 252, tool }).files;
    const text = "linkwright: 1\nlinks: { br0: { kind: bridge } }\n";
    const sum = spawnSync("sha256sum", { input: text, encoding: "utf8" }).stdout.slice(0, 64);
    const first = files(text, "1.0.0");
    equal(
      first[0]?.text.split("\n")[2],
      `# First so written by linkwright 1.0.0, of a document with the sha256 ${sum}`,
    );
    await writeFiles(directory, first);
    await writeFiles(directory, files(`# a remark\n${text}`, "1.1.0"));
    const [path = ""] = first.map((one) => join(directory, one.path));
    equal(readFileSync(path, "utf8"), first[0]?.text);
    equal(originOf(readFileSync(path, "utf8")), "ours");
    equal(originOf(readFileSync(path, "utf8").replace("1.0.0", "1.0.1")), "edited");
  });

  it("follows no link that somebody planted", async () => {
    mkdirSync(join(directory, "elsewhere"));
    mkdirSync(join(directory, "root/etc"), { recursive: true });
    symlinkSync("../../elsewhere", join(directory, "root/etc/systemd"));
    const text = seal("x\n");
    await rejects(writeFiles(join(directory, "root"), [{ path: "/etc/systemd/a", text }]), /no directory/);
    writeFileSync(join(directory, "target"), "");
    symlinkSync("../../target", join(directory, "root/etc/a"));
    await rejects(writeFiles(join(directory, "root"), [{ path: "/etc/a", text }]), /no regular file/);
    equal(readFileSync(join(directory, "target"), "utf8"), "");
  });

  it("has networkd release a link of which the document says that it has no master", () => {
    const text = `linkwright: 1
links:
  d0: { kind: dummy, master: null }
  e0: { mtu: 1400, master: null }
  e1: { mtu: 1400, master: br-of-others }
`;
    const inCharge = new Map([
      ["e0", { file: "/etc/systemd/network/e0.network", others: [], unmanaged: false, keeps: false }],
    ]);
    const { files, unsaid } = exportFiles({
      desired: desiredOf(parseSource(text, "document.yaml")),
      text,
      version: 257,
      inCharge,
    });
    const keeping = files.flatMap(({ path, text }) => (/^KeepMaster=/m.test(text) ? [basename(path)] : []));
    deepEqual(keeping, ["90-linkwright-e1.network"]);
    const left = unsaid.flatMap(({ path, reason }) => (path.at(-1) === "master" ? [`${path.at(-2)}: ${reason}`] : []));
    deepEqual(left, [
      "e0: whether it has one says the file that is in charge of it",
      "e1: networkd is told only of masters that it makes itself",
    ]);
  });

  it("says kinds and options to the versions that have them, and leaves the others with a reason", () => {
    const text = `linkwright: 1
links:
  e0: { mtu: 1500, qdisc: { kind: fq } }
  b0: { kind: bond, mode: active-backup, miimon: 100, arpMissedMax: 3, primary: e1, lacpActive: true }
  e1: { master: b0, addrGenMode: eui64, port: { queueId: 2 } }
  v0: { kind: vlan, dev: e0, id: 1, ingressQosMap: { 3: 6 } }
  t0: { kind: tun, mode: tap, owner: 1000 }
  t1: { kind: tun, mode: tap, owner: 0, ownerGroup: null, mac: "02:00:00:00:00:01" }
  i0: { kind: ipip, remote: 192.0.2.1, mode: any }
  g0: { kind: gretap, remote: 192.0.2.1, iseq: true, pmtudisc: false, ignoreDf: true, encap: fou }
  m0: { kind: macvtap, dev: e0, bcqueuelen: 9 }
  n0: { kind: netkit, peer: { name: n1 } }
  w0: { kind: wireguard, listenPort: 7 }
  w1: { kind: wireguard, privateKeyFile: /k, peers: [{ publicKey: "${"A".repeat(43)}=", endpoint: "[fe80::1%e0]:7" }] }
`;
    const left = (version: number): readonly string[] =>
      exported(text, version).unsaid.flatMap(({ by, path, reason }) =>
        by === "apply" ? [`${path.slice(1).join(".")}: ${reason}`] : [],
      );
    const always = [
      "t0.owner: User= of networkd has no word for 1000, and it is fixed at creation; linkwright makes the link",
      "n0.kind: links of kind netkit are not written for networkd; linkwright makes it",
      "w0.kind: networkd makes no such link without privateKeyFile; linkwright makes it",
      "e0.qdisc: queues are set by linkwright, each as a whole",
      "b0.lacpActive: networkd has no key for it",
      "e1.port.queueId: networkd has no key for it",
      "e1.addrGenMode: networkd gives a port of a bond no IPv6",
      'v0.ingressQosMap: IngressQOSMaps= of networkd has no word for {"3":6}',
      "g0.encap: networkd has no key for it",
      "g0.iseq: networkd has no key for it",
      "m0.bcqueuelen: networkd has no key for it",
      'w1.peers.0: endpoint: Endpoint= of networkd has no word for "[fe80::1%e0]:7"',
    ];
    const to252 = [
      "i0.mode: networkd has Mode= since systemd 262, this is for 252, and it is fixed at creation; linkwright makes the link",
      "b0.arpMissedMax: networkd has ARPMissedMax= since systemd 256, this is for 252",
      "g0.ignoreDf: networkd has IgnoreDontFragment= since systemd 254, this is for 252",
    ];
    deepEqual([...left(262)].sort(), [...always].sort());
    deepEqual([...left(252)].sort(), [...always, ...to252].sort());
    const files = bodies(exported(text, 252));
    match(files, /Name=t1\nKind=tap\n\n\[Tap\]\nUser=root\n\n/);
    match(files, /\[Match\]\nName=t1\n\n\[Link\]\nMACAddress=02:00:00:00:00:01\n/);
    match(
      files,
      /\[Match\]\nName=e1\n\n\[Network\]\nKeepConfiguration=yes\nIPv6AcceptRA=no\nBond=b0\nPrimarySlave=yes\n/,
    );
    match(files, /\[WireGuard\]\nPrivateKeyFile=\/k\n\n\[WireGuardPeer\]\nPublicKey=A+=\n/);
  });

  it("writes units that systemd finds nothing wrong with, and that may do little", async function () {
    if (spawnSync("systemd-analyze", ["--version"]).status !== 0)
      skip(this, "systemd-analyze not installed; apt-get install systemd");
    const examples = readdirSync("examples").filter((one) => one.endsWith(".yaml"));
    const all = [
      ...examples.map((name) => [readFileSync(join("examples", name), "utf8"), "bm1"] as const),
      [external, undefined] as const,
      [RIGHTS, undefined] as const,
    ];
    const seen = new Map<string, string[]>();
    for (const [text, host] of all)
      for (const { files } of [exported(text, 252, host), exported(text, 262, host), direct(text, host)])
        for (const file of files.filter(({ path }) => path.includes("/system/")))
          seen.set(file.path, [...new Set([...(seen.get(file.path) ?? []), file.text])]);
    const rounds = Math.max(...[...seen.values()].map(({ length }) => length));
    deepEqual([seen.size, rounds > 3], [5, true]);
    for (let i = 0; i < rounds; i++) {
      const root = join(directory, String(i));
      const files = [...seen].flatMap(([path, texts]) => texts.slice(i, i + 1).map((text) => ({ path, text })));
      await writeFiles(root, files);
      checkUnits(files.flatMap(({ path }) => (path.endsWith(".service") ? [join(root, path)] : [])));
    }
  });
});

/** A document that takes rights of each sort. */
const RIGHTS = `
linkwright: 1
links:
  a: { kind: veth, peer: { name: far, netns: blue } }
  b: { kind: tun, mode: tap, owner: 1000 }
  c: { ethtool: { features: { tso: false } } }
  d: { kind: netkit, peer: { name: e } }
probes: [{ ping: 192.0.2.1 }]
rules: [{ from: 192.0.2.0/24, table: 7, priority: 7 }]
`;

/** systemd says nothing of them, and finds them no more exposed than it takes to change the network, where that is all. */
function checkUnits(units: readonly string[]): void {
  const analyze = (...args: readonly string[]) => spawnSync("systemd-analyze", args, { encoding: "utf8" });
  const { status, stdout: told, stderr } = analyze("verify", "--man=no", ...units);
  // It looks at units of this machine too, which may be as they are.
  const lines = `${told}${stderr}`.split("\n").filter((line) => line !== "");
  const ours = lines.filter((line) => units.some((unit) => line.includes(basename(unit))));
  deepEqual(ours, []);
  if (lines.length === 0) equal(status, 0);
  for (const unit of units.filter((one) => !/CAP_SYS_ADMIN|DeviceAllow/.test(readFileSync(one, "utf8")))) {
    const { stdout } = analyze("security", "--offline=true", "--no-pager", unit);
    const exposure = Number(/exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1]);
    ok(exposure <= 2, `${unit}: ${exposure}`);
  }
}

describe("systemd export --direct", () => {
  for (const name of readdirSync("examples").filter((one) => one.endsWith(".yaml")))
    it(`writes ${name}`, () => {
      const golden = join("test/fixtures/systemd", `${name.slice(0, -5)}-direct.txt`);
      equal(bodies(direct(readFileSync(join("examples", name), "utf8"), "bm1")), readFileSync(golden, "utf8"));
    });

  it("gives units more rights only where the document takes them", () => {
    const rights = (more: string): readonly string[] =>
      bodies(direct(`linkwright: 1\nlinks:\n  b: { kind: bridge }\n${more}`)).match(
        /(?<=linkwright-apply\.service$[\s\S]*)^(CapabilityBoundingSet|RestrictNamespaces|RestrictAddressFamilies|DeviceAllow)=.*$/gm,
      ) ?? [];
    const plain = [
      "CapabilityBoundingSet=CAP_NET_ADMIN",
      "RestrictNamespaces=yes",
      "RestrictAddressFamilies=AF_NETLINK AF_UNIX",
    ];
    deepEqual(rights("").slice(0, 3), plain);
    match(
      rights("  v: { kind: veth, peer: { name: far, netns: blue } }").join(),
      /CAP_NET_ADMIN CAP_SYS_ADMIN,RestrictNamespaces=net,/,
    );
    match(rights("  t: { kind: tun, mode: tap }").join(), /DeviceAllow=\/dev\/net\/tun rw/);
    match(rights("  e0: { ethtool: { features: { tso: false } } }").join(), /AF_INET AF_INET6/);
  });

  it("has names in units that stand for nothing else", () => {
    const text = "linkwright: 1\nhosts:\n  'a %h $x \"': {}\nlinks: { b: { kind: bridge } }\n";
    match(bodies(direct(text, 'a %h $x "')), /--host "a %%h \$\$x \\""$/m);
  });
});
