/** What networkd does to state that it did not make: each sort of it, at each thing that befalls networkd, in each version. */
import { deepEqual } from "node:assert/strict";
import { needs } from "../../test/needs.ts";
import { NetworkdHost, TAKES_MORE } from "./host.ts";

const UNDERLAY = `[Match]
Name=ens34f0
[Network]
Address=192.168.0.23/24
LinkLocalAddressing=no
IPv6AcceptRA=no
`;
const PORT = "[Match]\nName=vm0\n[Network]\nLinkLocalAddressing=no\nConfigureWithoutCarrier=yes\n";
const FILES = "/etc/systemd/network";
/** What others set. `br0` and `vm0p` are nobody's, `ens34f0` and `vm0` are networkd's. */
const SET = `
ip link add br0 type bridge
ip link set br0 up
ip address add 12.12.139.1/24 dev br0
ip route add 10.7.0.0/16 via 12.12.139.9 proto 77
bridge fdb add 02:00:00:00:00:88 dev br0 self
ip link set vm0 master br0
ip link set br0 mtu 1400
ip link set ens34f0 mtu 1400
ip address add 192.0.2.99/24 dev ens34f0
ip route add 203.0.113.0/24 via 192.0.2.1 proto static
ip route add 203.0.114.0/24 via 192.0.2.1 proto 77
ip nexthop add id 5 via 192.0.2.1 dev ens34f0
ip neighbor replace 192.0.2.77 lladdr 02:00:00:00:00:77 nud permanent dev ens34f0
ip rule add from 10.9.9.0/24 table 100 priority 1000
sysctl -q net.ipv4.conf.ens34f0.rp_filter=2
nft add table inet other`;
/** How each sort is looked for. */
const SORTS: Readonly<Record<string, string>> = {
  "unmanaged address": "ip -4 address show br0 | grep -q 12.12.139.1/24",
  "unmanaged fdb": "bridge fdb show dev br0 | grep -q 02:00:00:00:00:88",
  "unmanaged mtu": "ip link show br0 | grep -q 'mtu 1400'",
  "unmanaged route": "ip route show proto 77 | grep -q 10.7.0.0/16",
  address: "ip -4 address show ens34f0 | grep -q 192.0.2.99/24",
  master: "ip link show vm0 | grep -q 'master br0'",
  mtu: "ip link show ens34f0 | grep -q 'mtu 1400'",
  neighbor: "ip neighbor show dev ens34f0 | grep -q 192.0.2.77",
  nexthop: "ip nexthop | grep -q 'id 5 '",
  nftables: "nft list table inet other",
  "own address": "ip -4 address show ens34f0 | grep -q 192.168.0.23/24",
  "route, other": "ip route show proto 77 | grep -q 203.0.114.0/24",
  "route, static": "ip route show proto static | grep -q 203.0.113.0/24",
  rule: "ip rule | grep -q 10.9.9.0/24",
  sysctl: "sysctl -n net.ipv4.conf.ens34f0.rp_filter | grep -q 2",
};
const ROUTES = ["nexthop", "route, other", "route, static"];

describe("state that networkd did not make", function () {
  this.timeout(240_000);
  let host: NetworkdHost;
  let version: number;
  before(async function () {
    needs(this, "nft");
    host = await NetworkdHost.start(this);
    version = await host.version();
    await run("ip link add vm0 type veth peer vm0p; ip link set vm0p up");
    await host.systemd.write(`${FILES}/10-ens34f0.network`, UNDERLAY);
    await host.systemd.write(`${FILES}/20-vm0.network`, PORT);
    await run("networkctl reload");
    await ready();
  });
  after(async () => await host?.systemd.end());
  beforeEach(async () => {
    await run(`set -e${SET}`);
    deepEqual(await lost(), []);
  });
  afterEach(async () => {
    await run(
      `ip link set cable up; ip link del br0; ip rule del priority 1000; nft delete table inet other; ip nexthop flush; ip address del 192.0.2.99/24 dev ens34f0; networkctl reconfigure ens34f0 vm0`,
    );
    await ready();
  });

  const run = (script: string): Promise<unknown> => host.systemd.run("sh", "-c", `${script}; true`);
  async function ready(): Promise<void> {
    for (const link of ["ens34f0", "vm0"]) await host.configured(link);
  }
  /** Which sorts are no more there. */
  async function lost(): Promise<readonly string[]> {
    const tests = Object.entries(SORTS).map(([name, test]) => `{ ${test}; } >/dev/null 2>&1 || echo '${name}'`);
    return (await host.systemd.must("sh", "-c", `${tests.join("\n")}\ntrue`)).trim().split("\n").filter(Boolean).sort();
  }
  const loses = (...wanted: readonly string[]): Promise<void> => host.loses(lost, ...wanted);

  it("stays when networkd reads its files, none changed", async () => {
    await run("networkctl reload");
    await ready();
    await loses();
  });

  it("goes from links that are configured anew, and rules with it; what is on other links stays", async () => {
    await run("networkctl reconfigure ens34f0 vm0");
    await ready();
    await loses("address", "master", "neighbor", "rule", ...ROUTES);
  });

  it("goes the same way when the link's file has changed", async () => {
    for (const name of ["10-ens34f0", "20-vm0"]) await run(`echo LLDP=no >>${FILES}/${name}.network`);
    await run("networkctl reload");
    await ready();
    await loses("address", "master", "neighbor", "rule", ...ROUTES);
  });

  it("goes in part when networkd starts again", async () => {
    await run("systemctl restart systemd-networkd");
    await ready();
    await loses("master", "rule", ...(version < TAKES_MORE ? [] : ["address", ...ROUTES]));
  });

  it("loses by a lost carrier only what rests on networkd's own addresses", async () => {
    await run("ip link set cable down");
    // Linux itself takes the nexthop along.
    await loses("nexthop", "own address");
  });

  it("stays where drop-ins say so, but for addresses", async () => {
    // The key is of that version.
    const more = version < 256 ? "" : "ManageForeignNextHops=no\n";
    await host.systemd.write(
      "/etc/systemd/networkd.conf.d/keep.conf",
      `[Network]\nManageForeignRoutes=no\nManageForeignRoutingPolicyRules=no\n${more}`,
    );
    await run("systemctl restart systemd-networkd");
    await ready();
    await loses("master", ...(version < TAKES_MORE ? [] : ["address"]));
    await run("ip address add 192.0.2.99/24 dev ens34f0; ip link set vm0 master br0");
    await run("networkctl reconfigure ens34f0 vm0");
    await ready();
    await loses("address", "master", "neighbor", ...(version < 256 ? ROUTES : []));
  });
});
