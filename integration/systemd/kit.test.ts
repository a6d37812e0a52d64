/** The host with systemd that the tests here have: quick, its own, and gone after them. */
import { equal, match, ok } from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { directory } from "../transaction/kit.ts";
import { SystemdHost } from "./kit.ts";

describe("a host with systemd", function () {
  this.timeout(240_000);

  it("is there in seconds, runs units, sees nothing of the machine's /tmp, and is gone", async function () {
    const scratch = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith("linkwright-systemd-"));
    const others = scratch();
    await using place = await directory();
    const kept = join(place.path, "kept");
    writeFileSync(kept, "kept");
    const kernel = readFileSync("/proc/sys/kernel/printk", "utf8");
    const begun = performance.now();
    const host = await SystemdHost.start(this);
    const ready = performance.now() - begun;
    try {
      equal((await host.must("cat", "/proc/1/comm")).trim(), "systemd");
      equal((await host.run("ls", kept)).code, 2);
      equal(await host.must("stat", "--file-system", "--format=%T", "/tmp", "/var/tmp", "/run"), "tmpfs\n".repeat(3));
      match((await host.run("sh", "-c", "echo 7 >/proc/sys/kernel/printk")).stderr, /Read-only/);
      equal(await host.must("systemctl", "list-units", "--failed", "--quiet", "--no-legend"), "");
      equal((await host.must("systemd-run", "--quiet", "--pipe", "--wait", "echo", "by a unit")).trim(), "by a unit");
      match(await host.must("busctl", "--no-pager", "list"), /org\.freedesktop\.systemd1/);
      match(await host.must("ip", "-oneline", "link"), /^1: lo: [^\n]*\n$/);
    } finally {
      await host.end();
    }
    equal(readFileSync(kept, "utf8"), "kept");
    equal(readFileSync("/proc/sys/kernel/printk", "utf8"), kernel);
    equal(scratch().length, others.length);
    ok(ready < 10_000, `${ready} ms`);
  });
});
