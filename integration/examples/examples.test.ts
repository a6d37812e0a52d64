/** The examples do what they say. Each runs in a namespace of its own. */
import { equal, match, ok } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { needs, skip } from "../../test/needs.ts";

const examples = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), "examples");

function run(name: string): string {
  const command = ["--net", process.execPath, join(examples, `${name}.js`)];
  const { status, stdout, stderr } = spawnSync("unshare", command, { encoding: "utf8" });
  equal(stderr, "");
  equal(status, 0);
  return stdout;
}

describe("examples", () => {
  it("embed", () => {
    const said = run("embed");
    match(said, /^vxlan0: vxlan, MTU 1450, port of br-vm$/m);
    match(said, /^br-vm: bridge, MTU 1450$/m);
    match(said, /^EEXIST: cannot create link vxlan1: A VXLAN device with the specified VNI already exists/m);
    match(said, /^vxlan1\.vni: expected a whole number from 0 to 16777215, got 16777216$/m);
  });

  it("wireguard-pair", function () {
    needs(this, "ping");
    const said = run("wireguard-pair");
    if (said.startsWith("no tunnel here: ")) {
      match(said, /^no tunnel here: cannot create link wg0: Unknown device type \(EOPNOTSUPP, at kind\)/);
      skip(this, said.trim());
    }
    match(said, /^10\.0\.0\.2 answers through the tunnel$/m);
    match(said, /^192\.0\.2\.2:51820: shook hands, received \d+, sent \d+ bytes$/m);
  });

  it("vrf-router", function () {
    needs(this, "ping");
    const said = run("vrf-router");
    if (said.startsWith("no VRF here: ")) {
      match(said, /^no VRF here: cannot create link red: Unknown device type \(EOPNOTSUPP, at kind\)/);
      skip(this, said.trim());
    }
    match(said, /^rule 1000: packets of a VRF ask its table$/m);
    match(said, /^table 10: 10\.1\.0\.0\/24 dev to-one$/m);
    match(said, /^in red, 192\.168\.2\.7 is behind 10\.2\.0\.2$/m);
    match(said, /^outside of it: cannot reach 10\.1\.0\.2: .*\(ENETUNREACH\)$/m);
    match(said, /^one guest reaches the other$/m);
  });

  it("lossy-cable", function () {
    this.timeout(20_000);
    needs(this, "ping");
    const said = run("lossy-cable");
    const [, quick = ""] = /^good cable: round trip ([\d.]+) ms, 0% lost$/m.exec(said) ?? [];
    if (said.includes("no bad cable here: ")) {
      match(said, /^no bad cable here: cannot create netem qdisc on eth0: .*kind is unknown \(ENOENT\)/m);
      skip(this, said.slice(said.indexOf("no bad cable here")).trim());
    }
    const [, slow = "", lost = ""] = /^bad cable: round trip ([\d.]+) ms, ([\d.]+)% lost$/m.exec(said) ?? [];
    ok(Number(slow) > Number(quick) + 40 && Number(slow) < Number(quick) + 200, said);
    ok(Number(lost) >= 2 && Number(lost) <= 60, said);
    match(said, /^netem: \d+ packets sent, [1-9]\d* dropped$/m);
  });
});
