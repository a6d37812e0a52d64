/** Reading needs no privilege; changing says which one it needs. The programs run without any capability. */
import { equal, match } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Host } from "../../lib/host.ts";
import { TestNamespace } from "../../lib/testkit/namespace.ts";
import { needs } from "../../test/needs.ts";

const main = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), "lib/cli/main.js");

describe("without privileges", () => {
  async function run(...args: readonly string[]): Promise<{ status: number | null; stdout: string; stderr: string }> {
    await using netns = await TestNamespace.create();
    await using host = await Host.open({ netns });
    await host.links.create({ kind: "veth", name: "ens34f0", peer: { name: "far" }, up: true });
    const command = ["--bounding-set=-all", "--inh-caps=-all", process.execPath, main, ...args];
    const options = { stdio: "pipe" as const };
    const child = netns.run("setpriv", command, options);
    const said = { stdout: "", stderr: "" };
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      said.stdout += text;
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      said.stderr += text;
    });
    const status = await new Promise<number | null>((resolve) => child.on("close", resolve));
    return { status, ...said };
  }

  before(function () {
    needs(this, "setpriv");
    const { status } = spawnSync("setpriv", ["--bounding-set=-all", "--inh-caps=-all", "true"]);
    equal(status, 0);
  });

  it("show and plan read, and say what they could not see", async () => {
    const show = await run("show");
    equal(show.status, 0, show.stderr);
    match(show.stdout, /^ens34f0 +veth +mtu 1500/m);
    const plan = await run("plan", "examples/two-hosts.yaml", "--host", "bm1");
    equal(plan.status, 2, plan.stderr);
    match(plan.stdout, /^\+ link vxlan0 +vxlan vni 39/m);
    match(plan.stdout, /nf_tables shows its rules to root only/);
  });

  it("apply says which privilege it needs, in one line", async () => {
    const apply = await run("apply", "examples/two-hosts.yaml", "--host", "bm1");
    equal(apply.status, 1);
    match(apply.stderr, /^linkwright: apply needs the right to change the network \(CAP_NET_ADMIN\): [^\n]*\n$/);
  });
});
