/** `linkwright fabric`, as a process. */
import { deepEqual, equal, match } from "node:assert/strict";
import { spawnSync } from "node:child_process";
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
