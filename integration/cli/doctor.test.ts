/** The doctor as people call it: what it prints, how it ends, and what it says where it may not look. */
import { deepEqual, equal, match } from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { inject } from "../../lib/testkit/faults.ts";
import { Lab } from "../../lib/testkit/index.ts";
import { needs } from "../../test/needs.ts";
import { type Ended, ended, linkwright, main } from "./kit.ts";

const doctor = (...args: readonly string[]): Ended => linkwright("doctor", "--netns", "bm1", ...args);

/** All that a child prints, as it does. */
function heard(child: ChildProcess): { text: string } {
  const said = { text: "" };
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding("utf8").on("data", (text: string) => {
      said.text += text;
    });
  return said;
}

describe("linkwright doctor", function () {
  this.timeout(60_000);
  let lab: Lab;
  beforeEach(async () => {
    lab = await Lab.up("examples/two-hosts.yaml", { named: true });
  });
  afterEach(() => lab.down());

  it("tells what is wrong, what was seen and what mends it, and ends by how bad that is", async () => {
    const well = doctor();
    deepEqual([well.status, well.stderr], [0, ""]);
    match(well.stdout, /^nothing wrong was found\nvxlan0 to 192\.168\.0\.24: 2 of \d+ addresses answered through the/);
    await inject(lab, "masquerade-too-wide", "bm1");
    const doubt = doctor("--no-ask");
    equal(doubt.status, 3);
    match(doubt.stdout, /^! masquerade-too-wide: packets between guests of br-vm are translated too: /);
    await inject(lab, "vxlan-down", "bm1");
    const ill = doctor("--no-ask");
    deepEqual([ill.status, ill.stderr], [2, ""]);
    const lines = ill.stdout.split("\n");
    deepEqual(lines.slice(0, 4), [
      "✗ vxlan-down: vxlan0 is switched off: nothing passes between the hosts.",
      "  seen  vxlan0: down",
      "  mend  ip link set dev vxlan0 up",
      "",
    ]);
    match(ill.stdout, /\nmend vxlan-down first: the others may be its consequences\n/);
    match(ill.stdout, /\nnot looked at: the network: nobody was asked\n$/);
  });

  it("looks again while one tries things, and tells what is new", async () => {
    const args = [main, "doctor", "--netns", "bm1", "--watch", "--no-ask"];
    const child = spawn(process.execPath, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, NO_COLOR: "1" },
    });
    const said = heard(child);
    const until = async (expected: RegExp): Promise<void> => {
      while (!expected.test(said.text)) await sleep(20);
    };
    await until(/^nothing wrong was found\n/);
    await inject(lab, "vxlan-down", "bm1");
    await until(/\n✗ vxlan-down: /);
    await lab.host("bm1").links.update("vxlan0", { up: true });
    await until(/✗ vxlan-down: .*\nnothing wrong was found\n/s);
    await inject(lab, "bridge-down", "bm1");
    await until(/\n✗ bridge-down: /);
    child.kill("SIGINT");
    equal(await ended(child), 2);
    equal(said.text.match(/nothing wrong was found/g)?.length, 2, said.text);
  });

  it("finds what it may without privileges, and says what it could not look at", async function () {
    needs(this, "setpriv");
    const bare = ["--bounding-set=-all", "--inh-caps=-all", process.execPath, main, "doctor", "--witness"];
    const look = async (): Promise<{ readonly code: unknown; readonly text: string }> => {
      const child = lab.node("bm1").netns.run("setpriv", bare, { stdio: ["ignore", "pipe", "pipe"] });
      const said = heard(child);
      return { code: await ended(child), text: said.text };
    };
    const unseen = [
      "not looked at: the packet filter: only root sees its rules",
      "not looked at: the network: without CAP_NET_RAW nobody was asked; run it as root",
      "not looked at: what guests send: without CAP_NET_ADMIN nothing was counted; run it as root",
    ];
    const well = await look();
    deepEqual([well.code, well.text.trimEnd().split("\n")], [0, ["nothing wrong was found", ...unseen]]);
    await inject(lab, "vxlan-down", "bm1");
    const ill = await look();
    deepEqual([ill.code, ill.text.trimEnd().split("\n").slice(-3)], [2, unseen]);
    match(ill.text, /^✗ vxlan-down: /);
  });
});
