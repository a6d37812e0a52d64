/** Our table beside nftables.service, which empties all tables whenever it starts, stops and reloads. */
import { doesNotMatch, equal, match } from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { needs } from "../../test/needs.ts";
import { eventually } from "../transaction/kit.ts";
import { NetworkdHost } from "./host.ts";

const DOCUMENT = `
linkwright: 1
links:
  br-vm: { kind: bridge, mac: "02:12:12:13:90:01", addresses: [12.12.139.1/24] }
nat: [{ masquerade: 12.12.139.0/24, out: ens34f0 }]
forward: [{ in: br-vm, out: ens34f0, accept: all }]
`;
const ADMIN = `#!/usr/sbin/nft -f
flush ruleset
table inet filter {
  chain forward { type filter hook forward priority filter; policy drop; }
}
`;

describe("our table and nftables.service", function () {
  this.timeout(240_000);
  let host: NetworkdHost;
  before(async function () {
    needs(this, "nft");
    host = await NetworkdHost.start(this);
    await host.systemd.write("/etc/nftables.conf", ADMIN);
    await host.systemd.must("systemctl", "start", "nftables");
  });
  after(async () => await host?.systemd.end());

  const tables = async (): Promise<string> => (await host.systemd.must("nft", "list", "tables")).trim();
  /** systemctl waits for the job that it was asked for, and not for those that come with it. */
  const become = async (wanted: string): Promise<void> => {
    for (const end = Date.now() + 10_000; Date.now() < end && (await tables()) !== wanted; ) await sleep(50);
    equal(
      await tables(),
      wanted,
      await host.systemd.must(
        "journalctl",
        "--no-pager",
        "--output=cat",
        "--unit=linkwright-nftables",
        "--unit=nftables",
      ),
    );
  };
  const active = async (): Promise<void> =>
    eventually(
      async () => (await host.systemd.run("systemctl", "is-active", "linkwright-nftables")).stdout,
      "active\n",
    );
  const BOTH = "table inet filter\ntable inet linkwright";

  it("are told apart: another one's policy that drops what ours accepts is named, and left alone", async () => {
    const warning = /chain forward of table inet filter drops at forward whatever it does not accept itself/;
    match((await host.on(DOCUMENT, "plan")).stdout, warning);
    match((await host.installed(DOCUMENT)).stderr, warning);
    match((await host.on(DOCUMENT, "systemd apply")).stdout, /nothing to do/);
    match((await host.on(DOCUMENT, "systemd apply")).stderr, warning);
    equal(await tables(), BOTH);
    match((await host.on(DOCUMENT, "apply")).stdout, warning);
  });

  for (const verb of ["reload", "restart"])
    it(`is there again after systemctl ${verb} nftables, and so is the other one`, async () => {
      await host.systemd.must("systemctl", verb, "nftables");
      await become(BOTH);
      equal((await host.on(DOCUMENT, "verify")).code, 0);
    });

  it("goes with its unit, and takes no other along", async () => {
    await host.systemd.must("systemctl", "restart", "linkwright-nftables");
    equal(await tables(), BOTH);
    await host.systemd.must("systemctl", "stop", "linkwright-nftables");
    equal(await tables(), "table inet filter");
  });

  it("is gone with the others after systemctl stop nftables, and back with systemctl start nftables alone", async () => {
    await host.systemd.must("systemctl", "start", "linkwright-nftables");
    await host.systemd.must("systemctl", "stop", "nftables");
    equal(await tables(), "");
    await host.systemd.must("systemctl", "start", "nftables");
    // nftables.service has loaded it itself, and our unit is active again for what comes later.
    equal(await tables(), BOTH);
    await active();
    await host.systemd.must("systemctl", "reload", "nftables");
    equal(await tables(), BOTH);
  });

  it("is there when nftables starts for the first time while our unit is active", async () => {
    await host.systemd.must("systemctl", "stop", "nftables");
    await host.systemd.must("systemctl", "start", "linkwright-nftables");
    equal(await tables(), "table inet linkwright");
    await host.systemd.must("systemctl", "start", "nftables");
    equal(await tables(), BOTH);
  });

  it("does not come back with nftables after uninstall", async () => {
    equal((await host.systemd.linkwright("systemd", "uninstall")).code, 0);
    equal((await host.systemd.run("ls", "/etc/systemd/system/nftables.service.d")).code, 2);
    await host.systemd.must("systemctl", "restart", "nftables");
    equal(await tables(), "table inet filter");
    doesNotMatch(
      await host.systemd.must("systemctl", "show", "nftables", "--property=Wants,DropInPaths"),
      /linkwright/,
    );
  });
});
