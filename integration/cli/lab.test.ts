/** lab up, run and down, as processes of their own, each with a sandbox of its own. */
import assert from "node:assert";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { readRecord, recordDirectory, recordPath, signal, startOf } from "../../lib/cli/lab-record.ts";
import { assertSandboxed, leakCheck } from "../../lib/testkit/index.ts";
import { needs } from "../../test/needs.ts";
import { Documents, ended, endStarted, example, linkwright, main, startUntil } from "./kit.ts";

/** Command lines of all processes that mention this directory, in whatever sandbox. */
function mentioning(directory: string): string[] {
  return readdirSync("/proc").flatMap((pid) => {
    try {
      const line = /^\d+$/.test(pid) ? readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ") : "";
      return line.includes(directory) ? [`${pid}: ${line}`] : [];
    } catch {
      return []; // ended meanwhile
    }
  });
}

describe("linkwright lab", function () {
  this.timeout(60_000);
  before(function () {
    assertSandboxed();
    needs(this, "unshare", "nsenter");
  });
  let check: () => Promise<void>;
  let documents: Documents;
  beforeEach(() => {
    check = leakCheck();
    documents = new Documents();
  });
  afterEach(async () => {
    await endStarted();
    documents[Symbol.dispose]();
    await check();
    // Nobody holds a namespace of the lab any more: those were held by these processes only.
    assert.deepEqual(mentioning(documents.directory), []);
  });

  it("runs a program in a node of a lab of its own, with its streams and its exit code", () => {
    const file = documents.write(example("two-hosts"));
    const { status, stdout, stderr } = linkwright(
      "lab",
      "run",
      file,
      "vm1",
      "--",
      "sh",
      "-c",
      "cat /proc/thread-self/net/fib_trie; exit 7",
    );
    assert.deepEqual([status, stderr], [7, ""]);
    assert.match(stdout, /12\.12\.139\.11/);
  });

  it("refuses what is not there in one line", () => {
    const file = documents.write(example("two-hosts"));
    const refused = (...args: string[]): string => {
      const { status, stderr } = linkwright("lab", ...args);
      assert.equal(status, 1);
      assert.match(stderr, /^linkwright: [^\n]+\n$/);
      return stderr;
    };
    assert.match(refused("run", file, "vm9", "--", "true"), /no vm9; it has bm1, bm2, vm1, vm2/);
    assert.match(refused("run", file, "vm1", "--", "/no/such"), /cannot run \/no\/such: there is no such program/);
    assert.match(refused("down", file), /there is no lab of/);
    assert.match(refused("up", "/no/such.yaml"), /no such file/);
    assert.match(refused("up", file, "--guest-mtu", "many"), /--guest-mtu: expected a number of bytes/);
    assert.match(refused("up", documents.write("linkwright: 1\n", "none.yaml")), /has no hosts/);
    assert.match(refused("up", documents.write("linkwright: 2\n", "bad.yaml")), /bad\.yaml:1:13: /);
  });

  it("stays up, is joined, and is ended", async () => {
    const file = documents.write(example("two-hosts"));
    const lab = await startUntil(/From another terminal:/, "lab", "up", file);
    try {
      const script =
        "ls /run/netns; ip netns exec vm2 true; echo $?; ping -c1 -W2 12.12.139.12 >/dev/null; echo $?; pwd";
      const joined = linkwright("lab", "run", file, "vm1", "--", "sh", "-c", script);
      assert.equal(joined.stderr, "");
      assert.equal(joined.stdout, `bm1\nbm2\ninternet\nunderlay\nvm1\nvm2\n0\n0\n${process.cwd()}\n`);
      assert.equal(linkwright("lab", "run", file, "bm2", "--", "sh", "-c", "exit 9").status, 9);
      assert.match(linkwright("lab", "run", file, "vm9", "--", "true").stderr, /no vm9/);
      const second = linkwright("lab", "up", file);
      assert.deepEqual([second.status, /is up already \(process \d+\)/.test(second.stderr)], [1, true]);
    } finally {
      const down = linkwright("lab", "down", file);
      assert.deepEqual([down.status, down.stderr], [0, ""]);
    }
    assert.equal(await ended(lab), 0);
    assert.equal(existsSync("/run/netns/vm1"), false);
  });

  it("lets something go wrong while it is up, for the doctor to find", async function () {
    this.timeout(120_000);
    const file = documents.write(example("two-hosts"));
    assert.match(linkwright("lab", "fault", "--list").stdout, /^vni-mismatch$/m);
    const wrong = (...args: string[]): string => {
      const { status, stderr } = linkwright("lab", "fault", ...args);
      assert.equal(status, 1);
      assert.match(stderr, /^linkwright: [^\n]+\n$/);
      return stderr;
    };
    assert.match(wrong(file, "vni-mismatch"), /there is no lab of .*; linkwright lab up /);
    const lab = await startUntil(/From another terminal:/, "lab", "up", file);
    try {
      assert.match(wrong(file, "toothache"), /there is no fault toothache; there are underlay-down, /);
      assert.match(wrong(file, "vni-mismatch", "bm9"), /this lab has no host bm9; it has bm1, bm2/);
      for (let i = 0; i < 2; i++)
        assert.deepEqual(linkwright("lab", "fault", file, "not-persistent", "bm1", "--json").stderr, "");
      const { status, stdout, stderr } = linkwright("lab", "fault", file, "managed-by-other", "bm2", "--json");
      assert.deepEqual([status, stderr], [0, ""]);
      const { root, host } = JSON.parse(stdout) as { root: string; host: string };
      const doctor = (...args: string[]) =>
        linkwright("lab", "run", file, host, "--", process.execPath, main, "doctor", ...args);
      const found = doctor("--root", root, "--no-ask", "--json");
      const { findings } = JSON.parse(found.stdout) as { findings: { cause: string }[] };
      assert.deepEqual([found.status, [...new Set(findings.map(({ cause }) => cause))]], [3, ["managed-by-other"]]);
      const named = doctor(file, "--host", "bm2", "--peer", "bm1", "--json");
      assert.match(named.stdout, /"12\.12\.139\.1": "/);
      assert.match(doctor(file, "--peer", "bm9").stderr, /--peer: .* has no host "bm9"; it has bm1, bm2\n$/);
      assert.match(doctor("--peer", "bm1").stderr, /--peer takes the address .*linkwright doctor FILE --peer bm1\n$/);
      assert.match(doctor("--root", "/nowhere").stderr, /--root: there is no directory \/nowhere\n$/);
    } finally {
      linkwright("lab", "down", file);
    }
    assert.equal(await ended(lab), 0);
  });

  it("ends by Ctrl-C", async () => {
    const lab = await startUntil(/"topology".*\n}\n/s, "lab", "up", documents.write(example("two-hosts")), "--json");
    lab.kill("SIGINT");
    assert.equal(await ended(lab), 0);
  });

  for (const whom of ["outer", "inner"] as const)
    it(`leaves nothing when its ${whom} process is killed, and can be brought up again`, async () => {
      const file = documents.write(example("two-hosts"));
      const lab = await startUntil(/From another terminal:/, "lab", "up", file, "--fault", "not-persistent");
      const inner = recorded(file);
      const left = (): string[] => readdirSync(recordDirectory()).filter((name) => name.startsWith(nameOf(file)));
      assert.equal(left().length, 3, "record, door, and files");
      if (whom === "outer") lab.kill("SIGKILL");
      else signal(inner, "SIGKILL");
      await ended(lab);
      for (let tries = 0; startOf(inner) !== undefined; tries++) {
        assert.ok(tries < 300, "the inner process is still there");
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      assert.match(linkwright("lab", "fault", file, "not-persistent").stderr, /there is no lab/);
      assert.deepEqual(left(), []);
      assert.match(linkwright("lab", "down", file).stderr, /there is no lab/);
      assert.equal(linkwright("lab", "run", file, "vm2", "--", "true").status, 0);
      const again = await startUntil(/From another terminal:/, "lab", "up", file);
      assert.equal(linkwright("lab", "down", file).status, 0);
      await ended(again);
      assert.deepEqual(left(), []);
    });
});

/** How the names of what is kept of a document's lab begin. */
const nameOf = (file: string): string => basename(recordPath("/", file), ".json");

/** The process that holds a document's lab. */
function recorded(file: string): number {
  const running = readRecord(recordPath(recordDirectory(), file));
  if (running === undefined) throw new Error(`no lab of ${file} is recorded`);
  return running.pid;
}
