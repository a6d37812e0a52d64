/** Where the first process is systemd, a timer of it puts back what nobody confirmed, whoever else was killed. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { load } from "../../test/needs.ts";
import { difference, eventually } from "../transaction/kit.ts";
import type { Order } from "../transaction/program.ts";
import { COMMAND, type Ended, SystemdHost } from "./kit.ts";

const PROGRAM = fileURLToPath(new URL("../transaction/program.js", import.meta.url));
const DOCUMENT = "linkwright: 1\nlinks:\n  br-vm: { kind: bridge, mtu: 1400 }\n  br-new: { kind: bridge, mtu: 1300 }\n";
const FILE = "/root/document.yaml";
/** Seconds to confirm in, and milliseconds after which also the timer has to be done. */
const CONFIRM = 2;
const LATE = (CONFIRM + 10) * 1000;

describe("an application where systemd is the first process", function () {
  this.timeout(240_000);
  let host: SystemdHost;
  let old: string;
  before(async function () {
    load(this);
    host = await SystemdHost.start(this);
    await host.write(FILE, DOCUMENT);
    await host.must("ip", "netns", "add", "blue");
  });
  after(async () => await host?.end());
  beforeEach(async () => {
    await inBoth("ip link add br-vm up type bridge");
    old = await dump();
  });
  afterEach(async () => {
    await host.run("systemctl", "kill", "--signal=KILL", "session.scope");
    for (const netns of [[], ["--netns", "blue"]]) await host.linkwright("recover", "--discard", ...netns);
    await host.run("systemctl", "stop", "linkwright-revert-*.timer");
    await inBoth("ip link del br-vm; ip link del br-new 2>/dev/null || true");
  });

  /** Runs a script in the network namespaces of both kinds: that of the first process, and one with a name. */
  const inBoth = async (script: string): Promise<string> =>
    (await host.must("sh", "-ec", script)) + (await host.must("ip", "netns", "exec", "blue", "sh", "-ec", script));
  /** The links of both namespaces. */
  const dump = (): Promise<string> => inBoth("ip -oneline link show");
  /** Links that are not as they were. */
  const changed = async (): Promise<readonly string[]> => difference(old, await dump());
  /** Units of ours that run, wait or failed. */
  async function units(): Promise<readonly string[]> {
    const out = await host.must("systemctl", "list-units", "--plain", "--no-legend", "linkwright-revert-*");
    return out.split("\n").flatMap((line) => line.split(" ")[0] || []);
  }
  async function reason(...args: readonly string[]): Promise<string> {
    return (await host.linkwright("confirm", ...args)).stderr;
  }
  /** Applies in a session of its own, with the guardian in it. */
  async function inSession(...command: readonly string[]): Promise<Ended> {
    // A program that stops would stop with it whoever waits for it.
    const session = ["systemd-run", "--quiet", "--scope", "--unit=session", ...command];
    return await host.run("sh", "-c", '"$@" & wait $!', "sh", ...session);
  }
  const apply = (...args: readonly string[]): readonly string[] => [
    ...COMMAND,
    ...["apply", FILE, "--confirm", String(CONFIRM), ...args],
  ];
  /** Applies, and kills everything that was begun for it. */
  async function applyAndKill(...command: readonly string[]): Promise<void> {
    const { code, stderr } = await inSession(...command);
    equal(code, 0, stderr);
    ok((await changed()).length > 0);
    equal((await units()).length, 1);
    await host.must("systemctl", "kill", "--signal=KILL", "session.scope");
    await eventually(async () => (await host.run("systemctl", "is-active", "session.scope")).stdout, "inactive\n");
    ok((await changed()).length > 0);
  }
  /** The old state is back, and nothing of the timer is left. */
  async function isBack(): Promise<void> {
    await eventually(changed, [], LATE);
    await eventually(units, []);
    equal(await host.must("systemctl", "list-units", "--failed", "--no-legend"), "");
  }

  it("is kept when it is confirmed, and the timer is gone", async () => {
    const { code, stderr } = await host.run(...COMMAND, "apply", FILE, "--confirm", "60");
    equal(code, 0, stderr);
    match((await units()).join(), /^linkwright-revert-[0-9a-f]{16}\.timer$/);
    equal((await host.linkwright("confirm")).code, 0);
    await eventually(units, []);
    match((await changed()).join("\n"), /br-vm: .* mtu 1400/);
  });

  it("is kept also where the timer could not be taken away", async () => {
    await inSession(...apply());
    await host.must("systemctl", "kill", "--signal=KILL", "session.scope");
    equal((await host.linkwright("confirm")).code, 0);
    const kept = await dump();
    equal((await units()).length, 1);
    await eventually(units, [], LATE);
    deepEqual(difference(kept, await dump()), []);
    equal(await host.must("systemctl", "list-units", "--failed", "--no-legend"), "");
  });

  it("is taken back by the guardian when nobody confirms, and the timer is gone before it would come", async () => {
    await host.must(...apply());
    await eventually(changed, [], LATE);
    await eventually(units, [], 1500);
    match(await reason(), /was reverted at .*: nobody confirmed it within 2 s/);
  });

  it("is taken back when the whole session is killed", async () => {
    await applyAndKill(...apply());
    await isBack();
    const { stderr } = await host.linkwright("plan", FILE);
    match(
      stderr,
      /^what was applied at .* without anybody to tell: nobody confirmed it within 2 s; the old state was put back$/m,
    );
    match(await reason(), /was reverted at .*: nobody confirmed it within 2 s/);
  });

  it("is taken back when the session is stopped in an orderly way, as at a logout", async () => {
    await inSession(...apply());
    await host.must("systemctl", "stop", "session.scope");
    ok((await changed()).length > 0);
    await isBack();
  });

  it("is taken back when systemd reads its units again, and itself", async () => {
    await applyAndKill(...apply());
    await host.must("systemctl", "daemon-reload");
    await host.must("systemctl", "daemon-reexec");
    await isBack();
  });

  it("is taken back when units are stopped that a target does not need", async () => {
    await applyAndKill(...apply());
    await host.must("systemctl", "isolate", "linkwright-test.target");
    await isBack();
  });

  it("is taken back when the whole session is frozen, and when it thaws nothing happens", async () => {
    await inSession(...apply());
    await host.must("systemctl", "freeze", "session.scope");
    await isBack();
    await host.must("systemctl", "thaw", "session.scope");
    await eventually(async () => (await host.run("systemctl", "is-active", "session.scope")).stdout, "inactive\n");
    deepEqual(await changed(), []);
  });

  it("is taken back in a namespace with a name", async () => {
    await applyAndKill(...apply("--netns", "blue"));
    await isBack();
  });

  it("is taken back where the program was started in a namespace with a name", async () => {
    await applyAndKill("ip", "netns", "exec", "blue", ...apply());
    await isBack();
  });

  it("has no timer where systemd could not find the namespace, and the guardian does it", async () => {
    const anonymous = ["unshare", "--net", "sh", "-c", 'ip link add br-vm type bridge; "$@"; sleep 1; cat', "sh"];
    const { code } = await inSession(...anonymous, ...apply());
    equal(code, 0);
    deepEqual(await units(), []);
    await eventually(
      async () => (await host.run("systemctl", "is-active", "session.scope")).stdout,
      "inactive\n",
      LATE,
    );
    deepEqual(await changed(), []);
  });

  it("is taken back where the directory has signs in its name that systemd could replace", async () => {
    const state = "/run/state $HOME %n %% \\x41 'a' \"b\"";
    await applyAndKill(...apply("--state", state));
    await host.must("systemctl", "daemon-reload");
    await isBack();
    match(await reason("--state", state), /was reverted at/);
  });

  describe("that was cut off on the way", () => {
    const order = (more: Partial<Order>): string => {
      const document = { text: DOCUMENT };
      return JSON.stringify({ call: "transact", directory: "/run/linkwright", document, confirm: CONFIRM, ...more });
    };

    it("is taken back when the whole session is killed", async () => {
      const command = [process.execPath, PROGRAM, order({ at: 6, signal: "SIGSTOP" })];
      const session = inSession(...command);
      await eventually(async () => (await changed()).length > 0, true);
      await host.must("systemctl", "kill", "--signal=KILL", "session.scope");
      await session;
      ok((await changed()).length > 0);
      await isBack();
    });

    it("is taken back when its program is frozen while it holds the lock, which is then ended", async () => {
      const command = [process.execPath, PROGRAM, order({ at: 6, signal: "SIGSTOP" })];
      const session = inSession(...command);
      await eventually(async () => (await changed()).length > 0, true);
      await host.must("systemctl", "freeze", "session.scope");
      await isBack();
      await host.must("systemctl", "thaw", "session.scope");
      await session;
      deepEqual(await changed(), []);
    });
  });

  it("does not hold up a shutdown", async function () {
    await using machine = await SystemdHost.start(this);
    await machine.write(FILE, DOCUMENT);
    await machine.must(...COMMAND, "apply", FILE, "--confirm", "60");
    await machine.run("systemctl", "poweroff");
    // Nothing can be run any more.
    await eventually(async () => (await machine.run("true")).code === 0, false);
  });
});
