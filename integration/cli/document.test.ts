/** plan, apply, verify, remove and show, as processes, on a host in a namespace. */
import assert from "node:assert";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { assertSandboxed } from "../../lib/testkit/index.ts";
import { needs } from "../../test/needs.ts";
import { Documents, example, linkwright, Machine, main } from "./kit.ts";

describe("linkwright plan, apply, verify, remove, show", function () {
  this.timeout(30_000);
  before(() => assertSandboxed());

  it("goes the whole way, with exit codes that a script can use", async () => {
    await using machine = await Machine.create();
    using documents = new Documents();
    const file = documents.write(example("two-hosts"));
    const on = [file, "--host", "bm1", "--netns", machine.name];
    const before = await machine.state();

    const planned = linkwright("plan", ...on);
    assert.equal(planned.status, 2, planned.stderr);
    assert.match(planned.stdout, /^\+ link vxlan0 {2}vxlan vni 39 dev ens34f0 remote 192\.168\.0\.24/m);
    assert.match(planned.stdout, /^7 steps; nothing was changed$/m);
    assert.equal(await machine.state(), before);

    const verified = linkwright("verify", ...on);
    assert.equal(verified.status, 2);

    const applied = linkwright("apply", ...on);
    assert.deepEqual([applied.status, applied.stderr], [0, ""]);
    assert.match(applied.stdout, /^7 steps done$/m);
    assert.match(applied.stdout, /^all 23 properties as the document says$/m);
    assert.equal((await machine.host.links.get("vxlan0"))?.mtu, 1450);

    for (const command of ["plan", "apply", "verify"]) assert.equal(linkwright(command, ...on).status, 0, command);
    assert.match(linkwright("apply", ...on).stdout, /^nothing to do/);

    await machine.host.links.update("vxlan0", { mtu: 1400 });
    const drifted = linkwright("verify", ...on);
    assert.equal(drifted.status, 2);
    assert.match(drifted.stdout, /✗ link vxlan0 {2}mtu: wanted 1450, found 1400/);
    assert.equal(linkwright("apply", ...on).status, 0);

    const removed = linkwright("remove", ...on);
    assert.deepEqual([removed.status, removed.stderr], [0, ""]);
    assert.equal(await machine.host.links.get("br-vm"), undefined);
    assert.equal(await machine.host.links.get("vxlan0"), undefined);
    assert.deepEqual(await machine.host.nftables.list(), []);
    assert.match(linkwright("remove", ...on).stdout, /^nothing to remove$/m);
  });

  it("tells which rule somebody changed by hand", async function () {
    needs(this, "nft", "ip");
    await using machine = await Machine.create();
    using documents = new Documents();
    const on = [documents.write(example("two-hosts")), "--host", "bm1", "--netns", machine.name];
    assert.equal(linkwright("apply", ...on).status, 0);
    const handle = `nft -a list chain inet linkwright forward | sed -n 's/.* accept comment "all .*# handle //p'`;
    const edit = `nft add rule inet linkwright forward tcp dport 22 drop; nft delete rule inet linkwright forward handle $(${handle})`;
    const edited = spawnSync("ip", ["netns", "exec", machine.name, "sh", "-ec", edit], { encoding: "utf8" });
    assert.equal(edited.status, 0, edited.stderr);
    const { stdout, status } = linkwright("verify", ...on);
    assert.equal(status, 2);
    assert.deepEqual(stdout.split("\n"), [
      "✗ nftables inet linkwright  rule not in the document: forward: tcp dport 22 drop",
      '✗ nftables inet linkwright  rule missing: forward: iifname "br-vm" oifname "ens34f0" accept',
      "22 of 23 properties as the document says; 1 missing, besides 1 that is not in it",
      "",
    ]);
    const { counts, differences } = JSON.parse(linkwright("verify", ...on, "--json").stdout);
    assert.deepEqual(counts, { same: 22, differ: 0, missing: 1, foreign: 1, untold: 0 });
    assert.deepEqual(
      differences.map((one: { state: string }) => one.state),
      ["foreign", "missing"],
    );
    assert.match(
      linkwright("plan", ...on).stdout,
      /^~ nftables inet linkwright\n {4}- forward: tcp dport 22 drop\n {4}\+ forward: /,
    );
  });

  it("prints one JSON value for each of them", async () => {
    await using machine = await Machine.create();
    using documents = new Documents();
    const on = [documents.write(example("two-hosts")), "--host", "bm1", "--netns", machine.name, "--json"];
    const json = (command: string) => JSON.parse(linkwright(command, ...on).stdout);
    const planned = json("plan");
    assert.equal(planned.steps.length, 7);
    assert.equal(planned.guests.value, 1450);
    const applied = json("apply");
    assert.deepEqual([applied.ok, applied.host, applied.verified], [true, "bm1", 23]);
    assert.equal(json("verify").ok, true);
    const { links, findings } = JSON.parse(linkwright("show", "--netns", machine.name, "--json").stdout);
    assert.deepEqual(findings, []);
    const vxlan = links.find((link: { name: string }) => link.name === "vxlan0");
    assert.deepEqual(vxlan.tunnel, { vni: 39, dstport: 4789, peers: ["192.168.0.24"], df: "unset" });
    assert.equal(json("remove").steps.length > 0, true);
  });

  it("explains where an MTU comes from", async () => {
    await using machine = await Machine.create();
    using documents = new Documents();
    const on = [documents.write(example("two-hosts")), "--host", "bm1", "--netns", machine.name];
    const { stdout } = linkwright("plan", "--explain", ...on);
    assert.match(stdout, /^vxlan0 +1450 +1500 − 50: VXLAN over IPv4$/m);
    assert.match(
      stdout,
      /^ {4}create: [^\n]*vni[^\n]*\n {4}derived: up, [^\n]*\n {4}why: not there \(links\.vxlan0, line \d+\)$/m,
    );
  });

  it("tells in plan and verify that an application waits to be confirmed", async () => {
    await using machine = await Machine.create();
    using documents = new Documents();
    const on = [documents.write(example("two-hosts")), "--host", "bm1", "--netns", machine.name];
    const state = ["--state", `${on[0]}.state`];
    assert.doesNotMatch(linkwright("plan", ...on, ...state).stdout, /confirm/);
    assert.equal(existsSync(state[1] ?? ""), false);
    const applied = linkwright("apply", ...on, ...state, "--confirm", "60");
    assert.equal(applied.status, 0, applied.stderr);
    for (const command of ["plan", "verify"]) {
      const { status, stdout } = linkwright(command, ...on, ...state);
      assert.equal(status, 0);
      assert.match(stdout, /^! what was applied at [0-9:]+ waits to be confirmed: linkwright confirm keeps it/m);
    }
    assert.equal(linkwright("confirm", "--netns", machine.name, ...state).status, 0);
  });

  it("makes nothing again without leave", async () => {
    await using machine = await Machine.create();
    using documents = new Documents();
    const text = example("two-hosts");
    const on = ["--host", "bm1", "--netns", machine.name];
    assert.equal(linkwright("apply", documents.write(text), ...on).status, 0);
    const other = documents.write(text.replace("vni: 39", "vni: 40"));
    const refused = linkwright("apply", other, ...on);
    assert.equal(refused.status, 1);
    assert.match(
      refused.stderr,
      /^linkwright: [^\n]*document\.yaml:19:10: link vxlan0 has to be made again: [^\n]*--allow-recreate\)\n$/,
    );
    assert.equal((await machine.host.links.get("vxlan0"))?.["vni"], 39);
    assert.equal(linkwright("apply", other, ...on, "--allow-recreate").status, 0);
    assert.equal((await machine.host.links.get("vxlan0"))?.["vni"], 40);
  });

  it("shows a host that somebody else set up, and the hop that is too large", async () => {
    await using machine = await Machine.create();
    const { links, addresses } = machine.host;
    await links.create({ kind: "bridge", name: "br-vm", up: true });
    const tunnel = { kind: "vxlan", vni: 39, dev: "ens34f0", remote: "192.168.0.24" } as const;
    await links.create({ ...tunnel, name: "vxlan0", master: "br-vm", up: true });
    await links.create({ kind: "veth", name: "tap1", peer: { name: "guest" }, master: "br-vm", up: true });
    await links.update("guest", { up: true });
    await addresses.create({ address: "12.12.139.1/24", dev: "br-vm" });
    const { status, stdout } = linkwright("show", "--netns", machine.name);
    assert.equal(status, 0);
    assert.match(
      stdout,
      /^br-vm .*\n├─ tap1 +veth +mtu 1500 +up +◄ too large for vxlan0\n└─ vxlan0 .* VNI 39 to 192\.168\.0\.24 port 4789\n {3}└─ ens34f0 /,
    );
    assert.match(stdout, /^✗ tap1 MTU 1500 does not fit into vxlan0 \(MTU 1450\): packets of 1455 to 1500 bytes/m);
  });

  it("starts no program", async function () {
    needs(this, "strace");
    await using machine = await Machine.create();
    using documents = new Documents();
    const file = documents.write(example("two-hosts"));
    const command = [main, "apply", file, "--host", "bm1", "--netns", machine.name];
    const traced = ["-f", "-e", "trace=execve,execveat", process.execPath, ...command];
    const { status, stderr } = spawnSync("strace", traced, { encoding: "utf8" });
    assert.equal(status, 0, stderr);
    assert.equal(stderr.match(/exec(ve|veat)\(/g)?.length, 1, stderr);
  });

  it("says how to get the right to change something, without root", async function () {
    needs(this, "unshare");
    using documents = new Documents();
    const file = documents.write("linkwright: 1\nlinks: { br-x: { kind: bridge } }\n");
    for (const command of ["apply", "remove"]) {
      // Without capabilities, as another user would be.
      const dropped = ["--inh-caps=-all", "--bounding-set=-all", process.execPath, main, command, file];
      const { status, stderr } = spawnSync("setpriv", dropped, { encoding: "utf8" });
      assert.equal(status, 1);
      assert.match(stderr, /^linkwright: \w+ needs the right to change the network \(CAP_NET_ADMIN\): [^\n]+\n$/);
    }
  });
});
