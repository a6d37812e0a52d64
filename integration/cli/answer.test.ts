/** What somebody types where `apply --confirm` waits at a terminal. */
import assert from "node:assert";
import { spawn } from "node:child_process";
import { assertSandboxed } from "../../lib/testkit/index.ts";
import { needs } from "../../test/needs.ts";
import { eventually } from "../transaction/kit.ts";
import { Documents, linkwright, Machine, main } from "./kit.ts";

const QUESTION = /press Enter to keep it/g;

/** Runs the command at a terminal, and types a line whenever it asks. */
function atTerminal(args: readonly string[], lines: readonly string[]): Promise<{ code: number | null; out: string }> {
  const command = [process.execPath, main, ...args, "--no-color"].join(" ");
  const child = spawn("script", ["-qec", command, "/dev/null"], { stdio: ["pipe", "pipe", "inherit"] });
  let out = "";
  let typed = 0;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
    if ((out.match(QUESTION)?.length ?? 0) > typed && typed < lines.length) child.stdin.write(`${lines[typed++]}\n`);
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, out }));
  });
}

describe("an answer at the terminal", function () {
  this.timeout(30_000);
  before(function () {
    needs(this, "script");
    assertSandboxed();
  });

  const CASES: readonly (readonly [
    name: string,
    lines: readonly string[],
    code: number,
    said: RegExp,
    kept: boolean,
  ])[] = [
    ["keeps it by Enter", [""], 0, /^kept\r?$/m, true],
    ["keeps it by yes", ["yes"], 0, /^kept\r?$/m, true],
    ["takes it back by r", ["r"], 2, /^the old state was put back\r?$/m, false],
    [
      "takes it back by no, after a word that is no answer",
      ["what", "no"],
      2,
      /^the old state was put back\r?$/m,
      false,
    ],
    ["that does not come takes it back", [], 2, /^the old state is back: nobody confirmed it within 3 s\r?$/m, false],
  ];
  for (const [name, lines, code, said, kept] of CASES)
    it(name, async () => {
      await using machine = await Machine.create();
      using documents = new Documents();
      const file = documents.write("linkwright: 1\nlinks: { br9: { kind: bridge } }\n");
      const seconds = lines.length === 0 ? "3" : "25";
      const end = await atTerminal(["apply", file, "--netns", machine.name, "--confirm", seconds], lines);
      assert.match(end.out, said);
      assert.equal(end.code, code);
      assert.equal((await machine.host.links.get("br9")) !== undefined, kept);
    });

  it("that does not come has the next command tell what a guardian did, once", async () => {
    await using machine = await Machine.create();
    using documents = new Documents();
    const body = "linkwright: 1\nlinks: { br9: { kind: bridge, up: true, addresses: [192.0.2.1/24] } }\n";
    const file = documents.write(`${body}probes: [{ ping: 192.0.2.1 }]\n`);
    await machine.host.links.update("lo", { up: true });
    const applied = linkwright("apply", file, "--netns", machine.name, "--confirm", "1");
    assert.equal(applied.status, 0, applied.stderr);
    assert.match(applied.stdout, /✓ ping 192\.0\.2\.1: .*answered/);
    const plan = () => linkwright("plan", file, "--netns", machine.name).stderr;
    let told = "";
    const isTold = async (): Promise<boolean> => {
      told += plan();
      return told !== "";
    };
    await eventually(isTold, true, 15_000);
    const lines = told.split("\n");
    assert.match(
      lines[0] ?? "",
      /^what was applied at [\d:]+ ended at [\d:]+ without anybody to tell: nobody confirmed it within 1 s; the old state was put back$/,
    );
    assert.equal(lines[1], "after the old state was put back:");
    assert.match(lines[2] ?? "", /^✗ ping 192\.0\.2\.1: /);
    assert.equal(plan(), "");
  });
});
