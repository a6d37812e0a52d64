import assert from "node:assert/strict";
import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { assertSandboxed, currentNetworkNamespace, SANDBOX_VARIABLE } from "../../lib/testkit/sandbox.ts";

const LAUNCHER = new URL("./launcher.js", import.meta.url).pathname;

/** A program that makes a sandbox, in which `script` runs. */
function launch(script: string, options: SpawnOptions = {}): ChildProcess {
  return spawn(process.execPath, [LAUNCHER, "sh", "-c", script], { stdio: ["ignore", "pipe", "pipe"], ...options });
}
async function finish(child: ChildProcess): Promise<{ code: number | null; out: string; err: string }> {
  let [out, err] = ["", ""];
  child.stdout?.on("data", (data) => {
    out += String(data);
  });
  child.stderr?.on("data", (data) => {
    err += String(data);
  });
  const [code] = (await once(child, "close")) as [number | null];
  return { code, out: out.trim(), err: err.trim() };
}

/** Processes with this word in their command line. */
function processesWith(word: string): string[] {
  return readdirSync("/proc").filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, "latin1").includes(word);
    } catch {
      return false;
    }
  });
}
async function gone(word: string): Promise<void> {
  const end = performance.now() + 3000;
  while (processesWith(word).length > 0) {
    assert(performance.now() < end, `still there: ${processesWith(word).join(" ")}`);
    await sleep(10);
  }
}
async function line(child: ChildProcess): Promise<string> {
  const [data] = (await once(child.stdout ?? child, "data")) as [Buffer];
  return String(data).trim();
}

describe("testkit: the sandbox", () => {
  before(() => assertSandboxed());

  for (const user of ["", "1"])
    it(user === "" ? "isolates network and /run" : "isolates them in a user namespace too", async () => {
      const script = `echo $${SANDBOX_VARIABLE}; readlink /proc/self/ns/net; ls /run; id -u; ls /proc/self/fd | wc -l; exit 7`;
      const { code, out, err } = await finish(launch(script, { env: { ...process.env, LAUNCH_USER: user } }));
      assert.equal(err, "");
      assert.equal(code, 7);
      const [outer, inner, run, uid] = out.split("\n");
      assert.equal(outer, currentNetworkNamespace());
      assert.notEqual(inner, readlinkSync("/proc/self/ns/net"));
      assert.equal(run, "netns");
      assert.equal(uid, "0");
    });

  it("hands on what was written to either stream", async () => {
    assert.deepEqual(await finish(launch("echo a; echo b >&2")), { code: 0, out: "a", err: "b" });
  });

  it("gives the number of the signal that ended the program", async () => {
    assert.equal((await finish(launch("kill -KILL $$"))).code, 128 + 9);
  });

  it("says which command is missing", async () => {
    const child = spawn(process.execPath, [LAUNCHER, "no-such-command"], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, PATH: "/usr/bin:/bin" },
    });
    const { code, err } = await finish(child);
    assert.equal(code, 1);
    assert.match(err, /ERR_SANDBOX sandbox: command not found: no-such-command/);
  });

  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const)
    it(`passes ${signal} on, and waits for the program to decide`, async () => {
      const name = signal.slice(3);
      const child = launch(`trap 'echo got ${name}; exit 5' ${name}; echo ready; while :; do sleep 0.05; done`);
      assert.equal(await line(child), "ready");
      child.kill(signal);
      assert.deepEqual(await finish(child), { code: 5, out: `got ${name}`, err: "" });
    });

  it("ends with its parent, even by SIGKILL, and takes daemons with it", async () => {
    const word = `4321.${process.pid}`;
    const child = launch(`setsid sleep ${word} & trap '' TERM HUP INT; sleep ${word} & echo ready; wait`);
    assert.equal(await line(child), "ready");
    assert(processesWith(word).length >= 2);
    child.kill("SIGKILL");
    await gone(word);
  });

  it("leaves no process when the program ends before its children", async () => {
    const word = `4322.${process.pid}`;
    assert.equal((await finish(launch(`setsid sleep ${word} >/dev/null 2>&1 & exit 0`))).code, 0);
    await gone(word);
  });

  it("refuses what would touch the namespace outside", async () => {
    const script = `${SANDBOX_VARIABLE}=$(stat -L -c %i /proc/self/ns/net) exec ${process.execPath} ${LAUNCHER} --guard`;
    const { code, err } = await finish(launch(script));
    assert.equal(code, 3);
    assert.match(err, /ERR_NOT_SANDBOXED refusing to touch the network of this machine/);
  });
});
