/** Links that the real networkd manages: refused with the ways out, and what networkd does where somebody insists. */
import { deepEqual, doesNotMatch, equal, match } from "node:assert/strict";
import { eventually } from "../transaction/kit.ts";
import { NetworkdHost, TAKES_MORE } from "./host.ts";

const UNDERLAY = `[Match]
Name=ens34f0
[Network]
Address=192.168.0.23/24
LinkLocalAddressing=no
IPv6AcceptRA=no
`;
const DOCUMENT = `
linkwright: 1
links:
  ens34f0:
    mtu: 1400
    addresses: [192.168.0.99/24]
    routes: [{ dst: 203.0.113.0/24, via: 192.168.0.1 }]
    neighbors: [{ address: 192.168.0.77, mac: "02:00:00:00:00:77" }]
  br0:
    kind: bridge
    mtu: 1400
    mac: "02:12:12:13:90:01"
    addresses: [12.12.139.1/24]
    routes: [{ dst: 10.7.0.0/16, via: 12.12.139.9 }]
  vx0: { kind: vxlan, vni: 39, dev: ens34f0, remotes: [192.168.0.24, 192.168.0.25], mac: "02:12:12:13:90:02" }
  vm0: { kind: veth, peer: { name: vm0p }, master: br0, mac: "02:12:12:13:90:03" }
rules: [{ from: 10.9.9.0/24, table: 100, priority: 1000 }]
sysctls: { net.ipv4.ip_forward: 1, net.ipv4.conf.ens34f0.rp_filter: 0 }
nat: [{ masquerade: 12.12.139.0/24, out: ens34f0 }]
`;

describe("links that networkd manages", function () {
  this.timeout(240_000);
  let host: NetworkdHost;
  let version: number;
  before(async function () {
    host = await NetworkdHost.start(this);
    version = await host.version();
  });
  after(async () => await host?.systemd.end());
  beforeEach(async () => await manage("10-ens34f0", UNDERLAY, "ens34f0"));
  afterEach(async () => await host.clean());

  /** Has networkd manage a link. */
  async function manage(name: string, text: string, link: string): Promise<void> {
    await host.systemd.write(`/etc/systemd/network/${name}.network`, text);
    await host.systemd.must("networkctl", "reload");
    await host.configured(link);
  }

  /** What is no more as the document says; a bridge whose port comes back has a step of its own, which is no loss. */
  async function lost(): Promise<readonly string[]> {
    const { stdout } = await host.on(DOCUMENT, "verify", "--json");
    const { differences } = JSON.parse(stdout) as { differences: { object: string; subject: string; field: string }[] };
    const told = differences.filter(({ object, field }) => object !== "link" || field !== "exists");
    return [
      ...new Set(told.map(({ object, subject, field }) => (object === "link" ? `${subject} ${field}` : object))),
    ].sort();
  }

  const loses = (...wanted: readonly string[]): Promise<void> => host.loses(lost, ...wanted);

  it("are refused, each in a line with the ways out, and nothing is changed", async () => {
    const before = await host.state();
    const { code, stderr } = await host.on(DOCUMENT, "apply");
    equal(code, 1);
    equal(
      stderr,
      "linkwright: ens34f0 is managed by systemd-networkd (/etc/systemd/network/10-ens34f0.network), which may undo " +
        "link ens34f0 and 3 more; have networkd do it: linkwright systemd install FILE; or go on: --allow-managed\n",
    );
    equal(await host.state(), before);
    match((await host.on(DOCUMENT, "plan")).stderr, /^ens34f0 is managed by systemd-networkd/);
  });

  it("are refused as well by units, and by whoever installs them, unless that is allowed", async () => {
    const text = "linkwright: 1\nlinks:\n  ens34f0: { mtu: 1400 }\n  br0: { kind: bridge, mac: '02:12:12:13:90:01' }\n";
    // What the document makes is not refused: networkd is about to leave that alone.
    await manage(
      "20-br",
      "[Match]\nName=br0\n[Network]\nLinkLocalAddressing=no\nConfigureWithoutCarrier=yes\n",
      "ens34f0",
    );
    const refusal =
      /^linkwright: ens34f0 is managed by systemd-networkd \(\S+\), which may undo link ens34f0; have networkd do it: linkwright systemd install FILE; or go on: --allow-managed\n$/m;
    const before = await host.state();
    for (const command of ["systemd install --direct", "systemd apply --deadline 0"]) {
      const { code, stderr } = await host.on(text, command);
      equal(code, 1);
      match(stderr, refusal);
      equal(await host.state(), before);
      doesNotMatch(await host.files(), /linkwright/);
    }
    // What is so today is not so after a boot, when networkd has the link again.
    equal((await host.on(text, "apply --allow-managed")).code, 0);
    match((await host.on(text, "systemd install --direct")).stderr, refusal);
    doesNotMatch(await host.files(), /linkwright/);
    equal((await host.on(text, "systemd install --direct --allow-managed")).code, 0);
    equal((await host.link("ens34f0"))?.mtu, 1400);
    for (const unit of ["linkwright-apply", "linkwright"])
      match(await host.systemd.must("systemctl", "cat", unit), /^ExecStart=.* --allow-managed/m);
    await host.systemd.must("ip", "link", "set", "ens34f0", "mtu", "1300");
    await eventually(async () => (await host.link("ens34f0"))?.mtu, 1400);

    // What networkd takes from a link that it configures anew, the service puts back.
    const entries =
      "nexthops: [{ id: 7, via: 192.168.0.1, dev: ens34f0 }]\nroutes: [{ dst: 198.51.100.0/24, nhid: 7 }]\n";
    equal((await host.on(text + entries, "systemd install --direct --allow-managed")).code, 0);
    const there = async (): Promise<boolean> =>
      (await host.systemd.run("sh", "-c", "ip nexthop show id 7; ip route show 198.51.100.0/24")).stdout.split("\n")
        .length === 3;
    equal(await there(), true);
    const repairs = async (): Promise<number> =>
      JSON.parse((await host.systemd.linkwright("status", "--json")).stdout).service.repairs;
    const done = await repairs();
    await host.systemd.must("networkctl", "reconfigure", "ens34f0");
    await eventually(async () => (await repairs()) > done && (await there()), true, 10_000);
  });

  it("are nobody's in another network namespace", async () => {
    await host.systemd.must("ip", "netns", "add", "blue");
    const { code, stderr } = await host.on(
      "linkwright: 1\nlinks: { ens34f0: { kind: bridge } }\n",
      "apply",
      "--netns",
      "blue",
    );
    equal(code, 0, stderr);
    await host.systemd.must("ip", "netns", "delete", "blue");
  });

  describe("where somebody insists", () => {
    beforeEach(async () => {
      const { code, stderr } = await host.on(DOCUMENT, "apply", "--allow-managed");
      equal(code, 0, stderr);
      match(stderr, /ManageForeignRoutingPolicyRules=no in \S+\/90-linkwright\.conf keeps .* policy rules/);
      match(stderr, /ManageForeignRoutes=no in \S+ keeps .* routes on links that it manages/);
      deepEqual(await lost(), []);
    });

    it("keep everything when networkd reads its files and none has changed", async () => {
      await host.systemd.must("networkctl", "reload");
      await host.configured("ens34f0");
      deepEqual(await lost(), []);
    });

    it("lose addresses, routes, and all policy rules when one is configured anew; other links keep theirs", async () => {
      await host.systemd.must("networkctl", "reconfigure", "ens34f0");
      await host.configured("ens34f0");
      await loses("address", "neighbor", "route", "rule");
    });

    it("lose the same when the file of one has changed", async () => {
      await manage("10-ens34f0", `${UNDERLAY}LLDP=no\n`, "ens34f0");
      await loses("address", "neighbor", "route", "rule");
    });

    it("lose at most policy rules when networkd starts again; from 257 on also addresses and routes", async () => {
      await host.systemd.must("systemctl", "restart", "systemd-networkd");
      await host.configured("ens34f0");
      const certain = async (): Promise<readonly string[]> =>
        (await lost()).filter((one) => one !== "rule" && (version < TAKES_MORE || one !== "neighbor"));
      await eventually(certain, version < TAKES_MORE ? [] : ["address", "route"]);
    });

    it("keep policy rules with the drop-in that is shown, and nothing more is said of them then", async () => {
      await host.systemd.write(
        "/etc/systemd/networkd.conf.d/linkwright.conf",
        "[Network]\nManageForeignRoutingPolicyRules=no\n",
      );
      await host.systemd.must("systemctl", "restart", "systemd-networkd");
      await host.configured("ens34f0");
      await loses(...(version < TAKES_MORE ? [] : ["address", "neighbor", "route"]));
      await host.systemd.must("ip", "rule", "del", "priority", "1000");
      doesNotMatch((await host.on(DOCUMENT, "plan")).stderr, /policy rules/);
      await host.systemd.must("rm", "-r", "/etc/systemd/networkd.conf.d");
      await host.systemd.must("systemctl", "restart", "systemd-networkd");
      await host.configured("ens34f0");
    });

    it("are released from a bridge of somebody else, unless KeepMaster= says otherwise", async () => {
      const port = "[Match]\nName=vm0\n[Network]\nLinkLocalAddressing=no\nConfigureWithoutCarrier=yes\n";
      await manage("20-vm0", port, "vm0");
      await loses("rule", "vm0 master");
      const { stderr } = await host.on(DOCUMENT, "apply");
      match(
        stderr,
        /vm0 is managed by .*20-vm0\.network\), which may undo link vm0; .*KeepMaster=yes in .*20-vm0\.network\.d\/keep-master\.conf/,
      );
      await host.systemd.write("/etc/systemd/network/20-vm0.network.d/keep-master.conf", "[Network]\nKeepMaster=yes\n");
      await host.systemd.must("networkctl", "reload");
      await host.configured("vm0");
      equal((await host.on(DOCUMENT, "apply", "--allow-managed")).code, 0);
      await host.systemd.must("networkctl", "reconfigure", "vm0");
      await host.configured("vm0");
      await loses("rule");
    });
  });

  it("are left alone after unmanage, also by a file for all links", async () => {
    await manage("10-ens34f0", UNDERLAY, "ens34f0");
    const own = DOCUMENT.replace(/ {2}ens34f0:\n(?: {4}.*\n)+/, "").replace(/^rules.*\n/m, "");
    equal((await host.on(own, "systemd unmanage", "--dry-run")).code, 2);
    equal((await host.on(own, "systemd unmanage")).code, 0);
    await manage(
      "20-all",
      "[Match]\nName=*\n[Network]\nConfigureWithoutCarrier=yes\nLinkLocalAddressing=no\n",
      "ens34f0",
    );
    const { code, stderr } = await host.on(own, "apply");
    equal(code, 0, stderr);
    for (const link of ["br0", "vx0", "vm0", "vm0p"])
      match(await host.systemd.must("networkctl", "list", link), /unmanaged/);
    await host.systemd.must("systemctl", "restart", "systemd-networkd");
    await host.configured("ens34f0");
    equal((await host.on(own, "verify")).code, 0);
    equal((await host.systemd.linkwright("systemd", "uninstall")).code, 0);
    equal(await host.files().then((text) => /unmanaged/.test(text)), false);
  });

  it("may be changed where networkd has them from files of linkwright", async () => {
    const own =
      "linkwright: 1\nlinks:\n  br0: { kind: bridge, mac: '02:12:12:13:90:01', addresses: [12.12.139.1/24] }\n";
    await host.installed(own);
    const { code, stderr } = await host.on(own.replace("139.1/24", "139.1/24, 12.12.140.1/24"), "apply");
    equal(code, 0, stderr);
    match(stderr, /networkd has br0 from files of linkwright; linkwright systemd install FILE has them say the same/);
  });
});
