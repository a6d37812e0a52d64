/** The examples do what they say. Each runs in a namespace of its own. */
import { equal, match } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

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
});
