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
    deepEqual(read({}), {
      files: { vxlan0: [], "br-vm": [] },
      made: [],
      networkd: {},
      networkManager: [],
      ignored: [],
    });
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

  it("tells what NetworkManager took over, and not what it made or only looks on at", () => {
    const state = (more: string): string => `[device]\nmanaged=true\nperm-hw-addr-fake=42:B7:8A:A7:05:0D\n${more}`;
    const both = (one: string, files: Readonly<Record<string, string>> = {}): readonly string[] =>
      read({ "run/NetworkManager/devices/4": one, "run/NetworkManager/devices/5": state("nm-owned=true\n"), ...files })
        .networkManager;
    deepEqual(both(state("connection-uuid=77\nnm-owned=false\n")), ["vxlan0"]);
    deepEqual(both(state("")), ["vxlan0"]);
    deepEqual(both("[device]\nmanaged=false\n"), []);
    const place = "run/NetworkManager/system-connections/vxlan0.nmconnection";
    const profile = (meta: string): string =>
      `[connection]\nuuid=77\ntype=vxlan\n\n[.nmmeta]\nnm-generated=true\n${meta}`;
    deepEqual(both(state("connection-uuid=77\n"), { [place]: profile("volatile=true\nexternal=true\n") }), []);
    deepEqual(both(state("connection-uuid=77\n"), { [place]: profile("") }), ["vxlan0"]);
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
    for (const [name, content] of [
      ["etc/systemd/network/a.network", "[Network]\n IPForward = yes\n"],
      ["etc/systemd/network/a.network.d/more.conf", "[Network]\nIPForward=yes\n"],
    ] as const)
      deepEqual(
        read({ [name]: content }, 256).ignored.map(({ file, line }) => [file, line]),
        [[`/${name}`, content.split("\n")[1]?.trim()]],
      );
    const off = { "etc/systemd/network/a.network": "[Network]\nIPForward=no\n" };
    deepEqual(read(off, 256).ignored, []);
  });
});
