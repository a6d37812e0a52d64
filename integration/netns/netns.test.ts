import assert from "node:assert/strict";
import { type ChildProcess, execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { Netns } from "../../lib/netns/netns.ts";
import { Connection } from "../../lib/socket/connection.ts";
import { leakCheck } from "../../lib/testkit/leaks.ts";
import { assertSandboxed, currentNetworkNamespace } from "../../lib/testkit/sandbox.ts";
import { load, needs } from "../../test/needs.ts";

const ip = (...args: readonly string[]): string => execFileSync("ip", args, { encoding: "utf8" }).trim();

async function output(child: ChildProcess): Promise<string> {
  let text = "";
  child.stdout?.on("data", (data) => {
    text += String(data);
  });
  await once(child, "close");
  return text.trim();
}

describe("netns: with ip netns", () => {
  before(function () {
    assertSandboxed();
    needs(this, "ip");
  });
  let check = async (): Promise<void> => undefined;
  beforeEach(() => {
    check = leakCheck();
  });
  afterEach(() => check());

  it("makes namespaces that ip finds, enters and deletes", async () => {
    const netns = await Netns.create("lw-a");
    assert.match(ip("netns", "list"), /^lw-a$/m);
    const link = ip("netns", "exec", "lw-a", "readlink", "/proc/self/ns/net");
    assert.equal(link, `net:[${netns.identity.inode}]`);
    ip("netns", "del", "lw-a");
    assert.deepEqual(Netns.list(), []);
    netns.close();
  });

  it("finds, opens and removes what ip made", async () => {
    ip("netns", "add", "lw-b");
    assert.deepEqual(Netns.list(), ["lw-b"]);
    {
      using netns = Netns.open("lw-b");
      using same = Netns.open("/run/netns/lw-b");
      assert(netns.equals(same));
      using here = Netns.current();
      assert(!netns.equals(here));
    }
    await Netns.remove("lw-b");
    assert.equal(ip("netns", "list"), "");
  });

  it("refuses a name that is taken, and leaves no descriptor", async () => {
    (await Netns.create("lw-c")).close();
    await assert.rejects(Netns.create("lw-c"), { code: "EEXIST", message: /lw-c: there is one with this name/ });
    await Netns.remove("lw-c");
  });

  it("explains what cannot be opened", async () => {
    mkdirSync("/run/netns", { recursive: true });
    writeFileSync("/run/netns/lw-file", "");
    symlinkSync("/proc/self/ns/net", "/run/netns/lw-link");
    assert.throws(() => Netns.open("lw-none"), { code: "ENOENT", message: /"lw-none": there is none/ });
    assert.throws(() => Netns.open("lw-file"), { code: "EINVAL", message: /not a network namespace/ });
    assert.throws(() => Netns.open("lw-link"), { code: "ELOOP" });
    assert.throws(() => Netns.open("/proc/self/ns/mnt"), { code: "EINVAL" });
    assert.throws(() => Netns.open("/etc/passwd"), { code: "EINVAL" });
    assert.throws(() => Netns.open({ pid: 3_999_999 }), { code: "ESRCH" });
    await assert.rejects(Netns.remove("lw-none"), { code: "ENOENT" });
    assert.deepEqual(Netns.list(), [], "files that are no namespaces are not listed");
    await Netns.remove("lw-file");
    await Netns.remove("lw-link");
    assert.deepEqual(readdirSync("/run/netns"), []);
  });

  it("names who still holds what was removed", async () => {
    const netns = await Netns.create("lw-d");
    const child = netns.run("sleep", ["60"], { stdio: "ignore" });
    netns.close();
    const { holders } = await Netns.remove("lw-d", { wait: 50 });
    assert.deepEqual(holders, [{ pid: child.pid, command: "sleep", how: "inside" }]);
    child.kill();
    await once(child, "close");
  });

  it("opens the namespace of a process", async () => {
    using netns = await Netns.create();
    const child = netns.run("sleep", ["60"], { stdio: "ignore" });
    {
      using same = Netns.open({ pid: child.pid ?? 0 });
      using mine = Netns.open({ pid: process.pid });
      using here = Netns.current();
      assert(same.equals(netns));
      assert(mine.equals(here));
    }
    child.kill();
    await once(child, "close");
  });

  it("starts programs inside, and stays outside itself", async () => {
    const home = currentNetworkNamespace();
    using netns = await Netns.create();
    const inside = await output(netns.run("readlink", ["/proc/self/ns/net"]));
    assert.equal(inside, `net:[${netns.identity.inode}]`);
    assert.equal(await output(netns.run("echo", ["$(id)", ";", "a b"])), "$(id) ; a b");
    const [error] = (await once(netns.run("/nowhere/no-such-program"), "error")) as [NodeJS.ErrnoException];
    assert.equal(error.code, "ENOENT");
    assert.throws(() => netns.run("true", ["\0"]), { code: "ERR_INVALID_ARG_VALUE" });
    assert.equal(currentNetworkNamespace(), home);
  });

  it("gives a worker sockets of the namespace", async () => {
    using netns = await Netns.create();
    const url = new URL("./listener.js", import.meta.url);
    const worker = netns.worker(url);
    const [{ inode, port }] = (await once(worker, "message")) as [{ inode: number; port: number }];
    assert.equal(inode, netns.identity.inode);
    const table = await output(netns.run("cat", ["/proc/self/net/tcp6", "/proc/self/net/tcp"]));
    const listening = `:${port.toString(16).toUpperCase().padStart(4, "0")} `;
    assert(table.includes(listening), "the socket is in the namespace");
    using here = Netns.current();
    assert(!(await output(here.run("cat", ["/proc/self/net/tcp6"]))).includes(listening), "and not outside");
    await worker.terminate();
  });

  it("does not leak in 200 rounds", async function () {
    load(this);
    for (let i = 0; i < 200; i++) {
      const netns = await Netns.create(i % 2 === 0 ? "lw-e" : undefined);
      Connection.open({ protocol: 0, netns: netns.fd }).close();
      netns.close();
      netns.close();
      assert.throws(() => netns.fd, { code: "EBADF" });
      if (i % 2 === 0) await Netns.remove("lw-e", { wait: 0 });
    }
  });
});
