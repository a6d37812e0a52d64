/** The unit that is shipped: what was interrupted is ended by it, and the second time there is nothing to do. */
import { deepEqual, match, ok } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { needs } from "../../test/needs.ts";
import { difference, eventually } from "../transaction/kit.ts";
import type { Order } from "../transaction/program.ts";
import { ROOT, SystemdHost } from "./kit.ts";

const PROGRAM = fileURLToPath(new URL("../transaction/program.js", import.meta.url));
const UNIT = "linkwright-recover.service";
const FILE = join(ROOT, "systemd", UNIT);
const TEXT = "linkwright: 1\nlinks:\n  br-vm: { kind: bridge, mtu: 1400 }\n  br-new: { kind: bridge, mtu: 1300 }\n";

describe("linkwright-recover.service", function () {
  this.timeout(240_000);

  describe("as a file", () => {
    before(function () {
      needs(this, "systemd-analyze");
    });
    const analyze = (...args: readonly string[]) => spawnSync("systemd-analyze", [...args, FILE], { encoding: "utf8" });

    it("has nothing that systemd does not know", () => {
      const { status, stdout, stderr } = analyze("verify", "--man=no");
      deepEqual([status, stdout, stderr], [0, "", ""]);
    });

    it("may do no more than it has to", () => {
      const { stdout } = analyze("security", "--offline=true", "--no-pager");
      const exposure = Number(/exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1]);
      ok(exposure <= 2.5, stdout);
    });
  });

  describe("on a host", () => {
    let host: SystemdHost;
    before(async function () {
      host = await SystemdHost.start(this);
      await host.installPackage();
      await host.must("systemctl", "enable", FILE);
      await host.must("systemctl", "daemon-reload");
      await host.must("ip", "netns", "add", "blue");
    });
    after(async () => await host?.end());
    afterEach(async () => {
      for (const netns of [[], ["--netns", "blue"]]) await host.linkwright("recover", "--discard", ...netns);
      for (const netns of [[], ["-netns", "blue"]])
        for (const link of ["br-vm", "br-new"]) await host.run("ip", ...netns, "link", "del", link);
      await host.run("systemctl", "stop", UNIT);
      await host.run("systemctl", "reset-failed");
    });

    /** Applies in a namespace until the journal has so many moments, and is killed there. */
    async function interrupt(where: readonly string[], more: Partial<Order>): Promise<void> {
      const order = { call: "transact", directory: "/run/linkwright", document: { text: TEXT }, ...more };
      await host.run(...where, process.execPath, PROGRAM, JSON.stringify(order));
    }
    const log = (): Promise<string> => host.must("journalctl", "--no-pager", "--output=cat", `--unit=${UNIT}`);

    /** How often it was started, found something to do or not. */
    const count = async (): Promise<readonly number[]> => {
      const text = await log();
      return [/was interrupted; the old state was put back/g, /skipped.* unmet condition/g].map(
        (pattern) => text.match(pattern)?.length ?? 0,
      );
    };

    it("does nothing where nothing was interrupted", async () => {
      await host.must("systemctl", "start", UNIT);
      await eventually(count, [0, 1]);
    });

    for (const [title, where] of [
      ["in the network of the machine", []],
      ["in a namespace with a name", ["ip", "netns", "exec", "blue"]],
    ] as const)
      it(`puts back what was interrupted ${title}, and has nothing to do the second time`, async () => {
        const dump = (): Promise<string> => host.must(...where, "ip", "-oneline", "link", "show");
        await host.must(...where, "ip", "link", "add", "br-vm", "up", "type", "bridge");
        const old = await dump();
        const [done = 0, skipped = 0] = await count();
        await interrupt(where, { at: 9 });
        ok(difference(old, await dump()).length > 0);
        await host.must("systemctl", "start", UNIT);
        deepEqual(difference(old, await dump()), []);
        await eventually(count, [done + 1, skipped]);
        await host.must("systemctl", "start", UNIT);
        await eventually(count, [done + 1, skipped + 1]);
        deepEqual(difference(old, await dump()), []);
      });

    it("leaves alone what waits to be confirmed, until the time is over", async () => {
      await host.write(`/run/systemd/system/${UNIT}.d/quick.conf`, "[Service]\nRestartSec=500ms\n");
      await host.must("systemctl", "daemon-reload");
      const dump = (): Promise<string> => host.must("ip", "-oneline", "link", "show");
      const old = await dump();
      const changed = async (): Promise<readonly string[]> => difference(old, await dump());
      const session = ["systemd-run", "--quiet", "--scope", "--unit=session"];
      await interrupt(session, { confirm: 5 });
      // As after a soft reboot: neither guardian nor timer is left.
      await host.must("systemctl", "kill", "--signal=KILL", "session.scope");
      await host.must("sh", "-c", "systemctl stop 'linkwright-revert-*.timer'");
      await host.run("systemctl", "start", UNIT);
      match(await log(), /waits \d s more to be confirmed/);
      ok((await changed()).length > 0);
      await eventually(changed, [], 15_000);
      // What is said of it comes to the journal a moment later.
      await eventually(async () => /the old state was put back/.test(await log()), true);
    });
  });
});
