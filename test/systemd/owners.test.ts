/** Who else manages links: what of a plan is refused, and what is said. */
import { deepEqual, equal, throws } from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { desiredOf, parseSource, plan } from "../../lib/state/index.ts";
import { checkOwners, type Owner, surveyUnmanaged } from "../../lib/systemd/index.ts";

const desired = desiredOf(
  parseSource(`
linkwright: 1
links:
  eth0: { mtu: 1400, addresses: [192.0.2.2/24] }
  br0: { kind: bridge, mac: "02:00:00:00:00:01" }
  vm0: { kind: veth, peer: { name: vm1 } }
sysctls: { net.ipv4.conf.eth0.rp_filter: 0 }
`),
);
const eth0 = { name: "eth0", mtu: 1500, up: true, mac: "02:00:00:00:00:02" };
const br0 = { name: "br0", kind: "bridge", mtu: 1500, up: false, mac: "02:00:00:00:00:01" };
const steps = plan({ links: [eth0, br0], sysctls: { "net.ipv4.conf.eth0.rp_filter": "1" } }, desired);
const networkd = (file: string, ours = false): Owner => ({ by: "systemd-networkd", file, ours });
const told = (links: readonly (readonly [string, Owner])[], allowed = false): readonly string[] =>
  checkOwners(steps, desired, { links: new Map(links), networkd: false }, allowed);

describe("links of others", () => {
  it("are refused, each with its ways out; sysctls are nobody's", () => {
    throws(
      () =>
        told([
          ["eth0", networkd("/e.network")],
          ["br0", networkd("/b.network")],
          ["lo", networkd("/l.network")],
        ]),
      {
        code: "ERR_MANAGED",
        message:
          "eth0 is managed by systemd-networkd (/e.network), which may undo link eth0 and 1 more; have networkd do it: linkwright systemd install FILE; or go on: --allow-managed\n" +
          "br0 is managed by systemd-networkd (/b.network), which may undo link br0; have networkd do it: linkwright systemd install FILE; take br0 from it: linkwright systemd unmanage FILE; or go on: --allow-managed",
      },
    );
    const by: Owner = { by: "NetworkManager", ours: false };
    throws(
      () => told([["eth0", by]]),
      /managed by NetworkManager, .*; leave eth0 out, or take it from it: nmcli device set eth0 managed no;/,
    );
    throws(() => told([["br0", by]]), /; take br0 from it: linkwright systemd unmanage FILE;/);
  });

  it("may be changed where that is allowed, where the files are ours, and where nothing of them changes", () => {
    deepEqual(told([["eth0", networkd("/e.network")]], true), []);
    deepEqual(told([["lo", networkd("/l.network")]]), []);
    deepEqual(told([["br0", networkd("/b.network", true)]]), [
      "networkd has br0 from files of linkwright; linkwright systemd install FILE has them say the same",
    ]);
  });

  it("are not known where nobody could be asked, and that is said", () => {
    deepEqual(checkOwners(steps, desired, { links: new Map(), networkd: false, unasked: "no D-Bus" }, false), [
      "whether systemd-networkd or NetworkManager manage a link is not known: no D-Bus",
    ]);
  });

  it("are what files are written for: those that the document makes, for NetworkManager only where it is", async () => {
    const root = mkdtempSync(join(tmpdir(), "linkwright-test-"));
    const bodies = async () =>
      (await surveyUnmanaged(desired, { root })).map(({ path, after }) => [
        path,
        after?.split("\n").slice(2).join("\n"),
      ]);
    try {
      const first = [
        "/etc/systemd/network/05-linkwright-unmanaged.network",
        "[Match]\nName=br0 vm0 vm1\n\n[Link]\nUnmanaged=yes\n",
      ];
      deepEqual(await bodies(), [first]);
      mkdirSync(join(root, "etc/NetworkManager"), { recursive: true });
      const [, second] = await bodies();
      equal(second?.[0], "/etc/NetworkManager/conf.d/95-linkwright.conf");
      equal(second?.[1], "[keyfile]\nunmanaged-devices+=interface-name:=br0;interface-name:=vm0;interface-name:=vm1\n");
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});
