import { deepEqual } from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { readLasting } from "../../lib/doctor/lasting.ts";

const LINKS = [
  { name: "vxlan0", index: 4 },
  { name: "br-vm", index: 5 },
];

/** Looks at a machine that has these files. */
function read(files: Readonly<Record<string, string>>, version = 252) {
  const root = mkdtempSync(join(tmpdir(), "linkwright-lasting-"));
  try {
    for (const [file, content] of Object.entries(files)) {
      mkdirSync(dirname(join(root, file)), { recursive: true });
      writeFileSync(join(root, file), content);
    }
    return readLasting(root, LINKS, () => version);
  } finally {
    rmSync(root, { recursive: true });
  }
}

describe("what a machine has written down about its links", () => {
  it("is nothing on an empty machine", () => {
    deepEqual(read({}), { files: { vxlan0: [], "br-vm": [] }, made: [], networkd: {}, ignored: [] });
  });

  it("is found wherever a link is called by its whole name", () => {
    const { files, made } = read({
      "run/systemd/network/10-br-vm.netdev": "[NetDev]\nName=br-vm\nKind=bridge\n",
      "etc/systemd/network/10-vxlan0.netdev": "[NetDev]\nName=vxlan0\nKind=vxlan\n",
      "etc/netplan/a.yaml": "network: { bridges: { br-vm: {}, br-vm2: {} } }\n",
      "etc/network/interfaces": "auto vxlan01\niface br-vm-x inet manual\n",
    });
    deepEqual(files, { vxlan0: ["/etc/systemd/network/10-vxlan0.netdev"], "br-vm": ["/etc/netplan/a.yaml"] });
    deepEqual(made, ["vxlan0", "br-vm"], "what is in /run is gone after a reboot, and made all the same");
  });

  it("tells the file that networkd manages a link by, unless it leaves it alone", () => {
    const { networkd } = read({
      "run/systemd/netif/links/4": "ADMIN_STATE=configured\nNETWORK_FILE=/etc/systemd/network/99-all.network\n",
      "run/systemd/netif/links/5": "ADMIN_STATE=unmanaged\nNETWORK_FILE=/etc/systemd/network/99-all.network\n",
    });
    deepEqual(networkd, { vxlan0: "/etc/systemd/network/99-all.network" });
  });

  it("names IPForward= from systemd 256 on", () => {
    const files = {
      "etc/systemd/network/a.network": "[Network]\nIPForward=yes\n",
      "etc/systemd/network/b.conf": "IPForward=yes\n",
    };
    deepEqual(read(files, 255).ignored, []);
    deepEqual(read(files, 256).ignored, [
      { file: "/etc/systemd/network/a.network", line: "IPForward=yes", families: [4, 6] },
    ]);
    const off = { "etc/systemd/network/a.network": "[Network]\nIPForward=no\n" };
    deepEqual(read(off, 256).ignored, []);
  });
});
