/** The compiled command as a process: what it prints, where, and its exit code. */
import assert from "node:assert";
import { spawn, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../../lib/cli/main.js", import.meta.url));
const env = { ...process.env, NO_COLOR: "", LINKWRIGHT_DEBUG: "" };

function linkwright(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], { encoding: "utf8", env });
  return { status, stdout, stderr };
}

describe("linkwright, the process", function () {
  this.timeout(20_000);

  it("prints help on standard output, within 80 columns, and without colors into a pipe", () => {
    for (const args of [["--help"], ["plan", "--help"], ["lab"], ["help", "lab", "run"], []]) {
      const { status, stdout, stderr } = linkwright(...args);
      assert.equal(status, 0, args.join(" "));
      assert.equal(stderr, "");
      assert.match(stdout, /linkwright/);
      assert.ok(!stdout.includes("\u001b"));
      for (const line of stdout.split("\n")) assert.ok([...line].length <= 80, line);
    }
  });

  it("loads neither zod nor yaml nor the native layer for help", () => {
    const load = 'import{writeSync}from"node:fs";export async function load(u,c,n){writeSync(2,u+"\\n");return n(u,c)}';
    const hook = `import{register}from"node:module";register("data:text/javascript,"+encodeURIComponent(${JSON.stringify(load)}))`;
    const hooked = ["--import", `data:text/javascript,${encodeURIComponent(hook)}`, main, "--help"];
    const { stderr, stdout } = spawnSync(process.execPath, hooked, { encoding: "utf8", env });
    assert.match(stdout, /linkwright/);
    assert.match(stderr, /lib\/cli\/main\.js/);
    assert.doesNotMatch(stderr, /zod|yaml|native|commands\//);
  });

  it("prints its version", () => {
    assert.match(linkwright("--version").stdout, /^linkwright \d+\.\d+\.\d+\n$/);
    assert.match(JSON.parse(linkwright("--version", "--json").stdout).version, /^\d+\.\d+\.\d+$/);
  });

  it("tells a mistake in one line on standard error, with exit code 1", () => {
    for (const args of [
      ["shwo"],
      ["plan"],
      ["plan", "--jsno"],
      ["show", "--host", "x"],
      ["sandbox", "ls"],
      ["lab", "x"],
    ]) {
      const { status, stdout, stderr } = linkwright(...args);
      assert.equal(status, 1, args.join(" "));
      assert.equal(stdout, "");
      assert.match(stderr, /^linkwright: [^\n]+\n$/);
    }
  });

  it("with --json tells it as one JSON value on standard output too", () => {
    const { status, stdout, stderr } = linkwright("shwo", "--json");
    assert.equal(status, 1);
    const { error } = JSON.parse(stdout);
    assert.equal(error.code, "ERR_USAGE");
    assert.match(error.messages[0], /did you mean show/);
    assert.match(stderr, /^linkwright: [^\n]+\n$/);
  });

  it("shows the stack with LINKWRIGHT_DEBUG=1 only", () => {
    const { stderr } = spawnSync(process.execPath, [main, "shwo"], {
      encoding: "utf8",
      env: { ...env, LINKWRIGHT_DEBUG: "1" },
    });
    assert.match(stderr, /\n\s+at /);
  });

  it("lets hostile arguments do nothing to the terminal", () => {
    const { stderr } = linkwright("x\u001b]0;owned\u0007");
    assert.ok(!stderr.includes("\u001b"));
    assert.match(stderr, /\\x1b]0;owned\\x07/);
  });

  it("survives a reader that goes away", async () => {
    const child = spawn(process.execPath, [main, "--help"], { stdio: ["ignore", "pipe", "pipe"], env });
    child.stdout.destroy();
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    const status = await new Promise((resolve) => child.on("close", resolve));
    assert.equal(said, "");
    assert.equal(status, 0);
  });
});
