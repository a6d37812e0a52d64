/** What commands tell systemd's journal, read by journalctl. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { MESSAGE_IDS } from "../../lib/journald/index.ts";
import { eventually } from "../transaction/kit.ts";
import { COMMAND, SystemdHost } from "./kit.ts";

const FILE = "/root/document.yaml";
const DOCUMENT = "linkwright: 1\nlinks:\n  br-vm: { kind: bridge, mtu: 1400 }\n";

type Entry = Readonly<Record<string, unknown>>;

describe("the journal of systemd", function () {
  this.timeout(240_000);
  let host: SystemdHost;
  let old = 0;
  before(async function () {
    host = await SystemdHost.start(this);
    await host.write(FILE, DOCUMENT);
  });
  after(async () => await host?.end());
  beforeEach(async () => {
    old = (await all()).length;
  });

  async function all(): Promise<readonly Entry[]> {
    await host.must("journalctl", "--sync");
    const { stdout } = await host.run("journalctl", "--quiet", "--output=json", "--identifier=linkwright");
    const lines = stdout.split("\n").filter(Boolean);
    return lines.map((line) => JSON.parse(line) as Entry);
  }
  /** What is new in it. */
  const entries = async (): Promise<readonly Entry[]> => (await all()).slice(old);
  const ofKind = async (kind: keyof typeof MESSAGE_IDS): Promise<readonly Entry[]> =>
    (await entries()).filter((entry) => entry["MESSAGE_ID"] === MESSAGE_IDS[kind]);
  async function one(kind: keyof typeof MESSAGE_IDS): Promise<Entry> {
    await eventually(async () => (await ofKind(kind)).length, 1);
    const [entry] = await ofKind(kind);
    equal(entry?.["LINKWRIGHT_EVENT"], kind);
    return entry;
  }
  async function linkwright(...args: readonly string[]): Promise<void> {
    const { code, stderr } = await host.linkwright(...args);
    equal(code, 0, stderr);
  }

  it("is told what was applied, that nothing was to do, and what was removed", async () => {
    await linkwright("apply", FILE);
    const { MESSAGE, PRIORITY, LINKWRIGHT_FILE, LINKWRIGHT_STATE, LINKWRIGHT_MODE } = await one("applied");
    deepEqual([PRIORITY, LINKWRIGHT_FILE, LINKWRIGHT_STATE, LINKWRIGHT_MODE], ["5", FILE, "committed", "apply"]);
    equal(MESSAGE, `applied ${FILE}: 1 step`);
    await linkwright("apply", FILE);
    equal((await entries()).length, 1);
    await linkwright("remove", FILE);
    match(String((await entries()).at(-1)?.["MESSAGE"]), /^removed \/root\/document\.yaml: 1 step$/);
  });

  it("is told what was confirmed, taken back, and by whom", async () => {
    await linkwright("apply", FILE, "--confirm", "60");
    match(String((await one("applied"))["MESSAGE"]), /: 1 step; it is taken back at \S+ unless somebody confirms$/);
    await linkwright("confirm");
    match(String((await one("confirmed"))["MESSAGE"]), /^what was applied at \S+ is kept$/);
    await linkwright("remove", FILE);
    await linkwright("apply", FILE, "--confirm", "60");
    await linkwright("revert");
    const { MESSAGE, PRIORITY, LINKWRIGHT_EXACT } = await one("reverted");
    match(String(MESSAGE), /^what was applied at \S+ is not kept: the old state was put back$/);
    deepEqual([PRIORITY, LINKWRIGHT_EXACT], ["4", "true"]);
  });

  it("is told by the guardian, whom nobody sees", async () => {
    await linkwright("apply", FILE, "--confirm", "1");
    const { MESSAGE, LINKWRIGHT_ID } = await one("reverted");
    equal(MESSAGE, "the old state was put back: nobody confirmed it within 1 s");
    equal(LINKWRIGHT_ID, (await one("applied"))["LINKWRIGHT_ID"]);
  });

  it("reads well where a unit watches: each finding once, with what differs", async () => {
    await linkwright("apply", FILE);
    const unit = ["--unit=watch", "--property=SyslogIdentifier=linkwright"];
    await host.must("systemd-run", "--quiet", ...unit, ...COMMAND, "watch", FILE, "--reconcile");
    try {
      await eventually(
        async () => (await entries()).some(({ MESSAGE }) => /as the document says/.test(String(MESSAGE))),
        true,
      );
      await host.must("ip", "link", "set", "br-vm", "mtu", "1300");
      const drifted = await one("drifted");
      match(String(drifted["MESSAGE"]), /^not as \/root\/document\.yaml says:\n.*br-vm.*mtu/s);
      equal(drifted["PRIORITY"], "4");
      match(String((await one("repaired"))["MESSAGE"]), /^put right, 1 step$/);
      equal((await entries()).filter(({ MESSAGE }) => /^put right|put right, /.test(String(MESSAGE))).length, 1);
    } finally {
      await host.must("systemctl", "stop", "watch.service");
    }
  });

  it("has errors of units as errors", async () => {
    const unit = ["--wait", "--collect", "--property=SyslogIdentifier=linkwright"];
    await host.run("systemd-run", "--quiet", ...unit, ...COMMAND, "apply", "/root/nothing.yaml");
    const errors = (await entries()).filter(({ PRIORITY }) => PRIORITY === "3");
    equal(errors.length, 1);
    match(String(errors[0]?.["MESSAGE"]), /^linkwright: .*nothing\.yaml/);
    ok(!String(errors[0]?.["MESSAGE"]).includes("<3>"));
  });
});
