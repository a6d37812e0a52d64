/** `linkwright fabric`, as a process. */
import { deepEqual, equal, match } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../../lib/cli/main.js", import.meta.url));
function linkwright(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], { encoding: "utf8" });
  return { status, stdout, stderr };
}

describe("linkwright fabric show", function () {
  this.timeout(20_000);

  it("lists hosts and overlays", () => {
    const { status, stdout } = linkwright("fabric", "show", "examples/stacked-overlays.yaml");
    equal(status, 0);
    match(stdout, /^bm3 +ens34f0 +192\.168\.0\.25$/m);
    match(stdout, /^tenant +40 +4789 +unicast +vm +1400 +2 hosts +vx-tenant on br-tenant$/m);
  });

  it("prints one host's own document, which is a document", () => {
    const { status, stdout } = linkwright("fabric", "show", "examples/three-hosts-unicast.yaml", "--host", "bm2");
    equal(status, 0);
    match(stdout, /^ {2}br-vm: \{ kind: bridge, mtu: auto, addresses: \[ 12\.12\.139\.2\/24 \] \}$/m);
    match(stdout, /^ {4}remotes: \[ 192\.168\.0\.23, 192\.168\.0\.25 \]$/m);
    const json = linkwright("fabric", "show", "examples/three-hosts-unicast.yaml", "--host", "bm2", "--json");
    deepEqual(JSON.parse(json.stdout).links["vx-vm"].fdb, [
      { mac: "52:54:00:00:02:01", state: "absent" },
      { mac: "52:54:00:00:03:01", dst: "192.168.0.25" },
    ]);
  });

  it("names the hosts that there are, and documents that are for one host", () => {
    const { status, stderr } = linkwright("fabric", "show", "examples/three-hosts-unicast.yaml", "--host", "bm9");
    equal(status, 1);
    match(
      stderr,
      /three-hosts-unicast\.yaml:6:1: hosts: there is no host "bm9" in this document; its hosts are bm1, bm2, bm3/,
    );
  });
});

describe("linkwright fabric frr and lint", function () {
  this.timeout(20_000);
  const evpn = "examples/three-hosts-evpn.yaml";

  it("prints the part of frr.conf, which is then found in order", () => {
    const { status, stdout } = linkwright("fabric", "frr", evpn, "--host", "bm1");
    equal(status, 0);
    match(stdout, /^ neighbor 192\.168\.0\.25 peer-group fabric$/m);
    const file = join(mkdtempSync(join(tmpdir(), "linkwright-")), "frr.conf");
    writeFileSync(file, stdout);
    deepEqual(linkwright("fabric", "lint", evpn, file, "--host", "bm1"), {
      status: 0,
      stdout: "bm1: all agree\n",
      stderr: "",
    });
    const other = linkwright("fabric", "lint", evpn, file, "--host", "bm2");
    equal(other.status, 2);
    match(
      other.stdout,
      /frr\.conf:2: bgp router-id is 192\.168\.0\.23, and the fabric has 192\.168\.0\.24 for this host$/m,
    );
    rmSync(dirname(file), { recursive: true });
  });

  it("says where FRR has nothing to do, and which files are not there", () => {
    const none = linkwright("fabric", "frr", "examples/three-hosts-unicast.yaml", "--host", "bm1");
    equal(none.status, 1);
    match(
      none.stderr,
      /three-hosts-unicast\.yaml: no overlay of this document has flood: evpn, and FRR has nothing to do there$/m,
    );
    const missing = linkwright("fabric", "lint", evpn, "nowhere.conf", "--host", "bm1");
    deepEqual([missing.status, missing.stderr], [1, "linkwright: nowhere.conf: there is no such file\n"]);
  });
});
