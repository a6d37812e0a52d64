/** What was applied is there after a reboot, in both modes, and outlives what networkd and nftables do in between. */
import { equal, match } from "node:assert/strict";
import { needs } from "../../test/needs.ts";
import { example } from "../cli/kit.ts";
import { SystemdHost } from "../systemd/kit.ts";
import { eventually } from "../transaction/kit.ts";
import { FAR_GUEST, INTERNET, Rack } from "./rack.ts";

// A bridge without an address of its own takes that of a port, another one when a port is made again, and guests that
// know the old one find their gateway no more until their neighbor entry is old.
const DOCUMENT = example("two-hosts").replace(
  "kind: bridge\n",
  'kind: bridge\n    mac: { bm1: "02:12:12:13:90:01" }\n',
);
const FILE = "/root/two-hosts.yaml";
const UNDERLAY = `[Match]
Name=ens34f0
[Network]
Address=192.168.0.23/24
Gateway=192.168.0.1
LinkLocalAddressing=no
IPv6AcceptRA=no
`;

describe("a host with systemd and a document", function () {
  this.timeout(360_000);
  let host: SystemdHost;
  let rack: Rack;
  before(function () {
    needs(this, "ip", "nft", "ping", "nsenter");
  });
  beforeEach(async function () {
    host = await SystemdHost.start(this, { target: "multi-user.target" });
    rack = await Rack.create(DOCUMENT);
    await host.installPackage();
    await host.write(FILE, DOCUMENT);
  });
  afterEach(async function () {
    if (this.currentTest?.state === "failed") console.log(await must("journalctl --no-pager --output=short-precise"));
    await host?.end();
    await rack?.[Symbol.asyncDispose]();
  });

  /** Starts the guest, as libvirt does when its bridge is there. */
  async function guest(): Promise<void> {
    rack.guest(host.netns);
    const script = "until ip link set vnet0 master br-vm up 2>/dev/null; do sleep 0.05; done";
    await host.must("sh", "-c", script);
  }
  async function works(): Promise<void> {
    await rack.reaches(FAR_GUEST);
    await rack.reaches(INTERNET);
  }
  const must = (line: string): Promise<string> => host.must(...line.split(" "));

  /** What networkd and nftables do while it runs. */
  async function outlives(): Promise<void> {
    await must("networkctl reload");
    await must("networkctl reconfigure ens34f0");
    await works();
    await must("systemctl restart systemd-networkd");
    await works();
    await must("systemctl restart nftables");
    await works();
    await must("systemctl reload nftables");
    await works();
    equal(await must("systemctl list-units --failed --no-legend"), "");
  }

  it("has its network again after a reboot, by networkd", async () => {
    const addresses = "{ bm1: [192.168.0.23/24], bm2: [192.168.0.24/24] }";
    const routes = "{ bm1: [{ dst: default, via: 192.168.0.1 }], bm2: [] }";
    const underlay = `links:\n  ens34f0: { addresses: ${addresses}, routes: ${routes} }\n`;
    await host.write(FILE, DOCUMENT.replace("links:\n", underlay));
    await must("systemctl enable --now systemd-networkd");
    rack.plug(host.netns);
    await must(`linkwright systemd install ${FILE} --host bm1`);
    await guest();
    await works();

    await host.reboot();
    rack.plug(host.netns);
    await guest();
    await works();
    await outlives();
  });

  it("has its network again after a reboot, without networkd's help", async () => {
    await host.write("/etc/systemd/network/10-underlay.network", UNDERLAY);
    await must("systemctl enable --now systemd-networkd");
    rack.plug(host.netns);
    match(await must(`linkwright systemd install ${FILE} --host bm1 --direct`), /as the document says/);
    equal((await must("systemctl is-active linkwright-apply linkwright")).trim(), "active\nactive");
    await guest();
    await works();

    await host.reboot();
    rack.plug(host.netns);
    await guest();
    await works();
    await outlives();
    await must("systemctl stop nftables");
    await works();
    await must("ip link delete vxlan0");
    await works();
    const status = async (): Promise<boolean> =>
      /as the document says|put right/.test(await must("systemctl show linkwright --property=StatusText"));
    await eventually(status, true);
    equal(await must("systemctl list-units --failed --no-legend"), "");

    await must("linkwright systemd uninstall");
    equal(
      await must(
        "find /etc/systemd /etc/sysctl.d /etc/linkwright -type f,l -name *linkwright* ! -name linkwright-ready* ! -name linkwright-test*",
      ),
      "",
    );
  });
});
