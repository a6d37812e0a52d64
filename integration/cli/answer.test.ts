/** What somebody types where `apply --confirm` waits at a terminal. */
import assert from "node:assert";
import { spawn } from "node:child_process";
import { assertSandboxed } from "../../lib/testkit/index.ts";
import { needs } from "../../test/needs.ts";
import { Documents, Machine, main } from "./kit.ts";

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
});
