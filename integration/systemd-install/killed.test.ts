/** An installation that is killed before any of its steps: whoever comes next puts everything back. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { lineOf, parseLines } from "../../lib/transaction/lines.ts";
import type { Ended } from "../systemd/kit.ts";
import { eventually } from "../transaction/kit.ts";
import type { Order } from "./child.ts";
import { NetworkdHost } from "./host.ts";

const PROGRAM = fileURLToPath(new URL("./child.js", import.meta.url));
const RECORD = "/var/lib/linkwright/installation/record";
/** Ten files, and what comes after them. */
const STEPS = 14;
/** Each takes seconds: `npm run test:systemd` ends it before every one. */
const SOME = [2, 6, 11, 12, 14];
const KILLED = process.env["LINKWRIGHT_KILLS"] === "all" ? Array.from({ length: STEPS }, (_, i) => i + 1) : SOME;
const UNDERLAY = "/etc/systemd/network/ens.network";

const links = (more: string): string => `
linkwright: 1
links:
  br-vm: { kind: bridge, mtu: 1450, mac: "02:12:12:13:90:01", addresses: [12.12.139.1/24] }
${more}`;
const OLD = links(`  br-old: { kind: bridge, mac: "02:12:12:13:90:03" }
sysctls: { net.ipv4.ip_forward: 1 }
`);
const NEW = links(`  vxlan0: { kind: vxlan, vni: 39, dev: ens34f0, remote: 192.168.0.24, mac: "02:12:12:13:90:02" }
sysctls: { net.ipv4.ip_forward: 0 }
nat: [{ masquerade: 12.12.139.0/24, out: ens34f0 }]
`).replace("139.1/24", "139.2/24");

describe("systemd install that is killed", function () {
  this.timeout(240_000);
  let host: NetworkdHost;
  let old: readonly [files: string, state: string];
  before(async function () {
    host = await NetworkdHost.start(this);
    await host.systemd.write(
      UNDERLAY,
      "[Match]\nName=ens34f0\n[Network]\nAddress=192.168.0.23/24\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n",
    );
    await host.systemd.must("networkctl", "reload");
    await host.configured("ens34f0");
    await host.systemd.must("ip", "address", "add", "192.168.0.77/24", "dev", "ens34f0");
    await host.installed(OLD);
    old = await now();
  });
  after(async () => await host?.systemd.end());

  const now = async (): Promise<readonly [string, string]> => [await host.files(), await host.state()];
  /** Installs the new document, and is killed before a step. */
  const killed = async (at: number, text = NEW): Promise<Ended> => {
    const order: Order = { text, at };
    return await host.systemd.run(process.execPath, PROGRAM, JSON.stringify(order));
  };
  const recover = (): Promise<Ended> => host.systemd.linkwright("recover");
  const isThere = async (path: string): Promise<boolean> => (await host.systemd.run("test", "-e", path)).code === 0;

  it("leaves no record where it is not killed", async () => {
    const whole = await killed(0);
    equal(whole.code, 0, whole.stderr);
    const steps = JSON.parse(whole.stdout) as string[];
    deepEqual([steps.length, steps.slice(-4)], [STEPS, ["", "kernel", "units", "done"]]);
    equal(await isThere(RECORD), false);
    await host.installed(OLD);
    await host.systemd.must("ip", "link", "delete", "vxlan0");
    await eventually(now, old);
  });

  for (const at of KILLED)
    it(`is taken back by recover before step ${at} of ${STEPS}`, async () => {
      const { code, stdout } = await killed(at);
      ok(code !== 0, stdout);
      const { code: exit, stdout: out, stderr } = await recover();
      equal(exit, 0, stderr);
      match(stderr, /^the installation that process \d+ began at \S+ was interrupted; the files are as before, and /);
      match(out, /nothing was interrupted/);
      await eventually(now, old);
      equal(await isThere(RECORD), false);
      equal(await host.systemd.must("find", "/etc/systemd", "-name", ".linkwright-*"), "");
    });

  it("is told by a dry run, and taken back by the next installation", async () => {
    await killed(3);
    const dry = await host.install(OLD, "--dry-run");
    match(
      dry.stderr,
      /^the installation that process \d+ began at \S+ is under way, or was interrupted: linkwright recover takes it back$/m,
    );
    equal(await isThere(RECORD), true);
    const { stderr } = await host.installed(OLD);
    match(stderr, /was interrupted; the files are as before/);
    await eventually(now, old);
  });

  it("is not taken back where somebody edited a file since, until that is settled", async () => {
    await killed(4);
    const path = "/etc/systemd/network/10-linkwright-br-vm.network";
    const text = await host.systemd.must("cat", path);
    await host.systemd.must("sh", "-c", `echo '# mine' >>${path}`);
    const { code, stderr } = await recover();
    equal(code, 1);
    match(
      stderr,
      /^linkwright: .*10-linkwright-br-vm\.network: was changed since by somebody else, and is left as it is/,
    );
    match(await host.systemd.must("cat", path), /# mine/);
    await host.systemd.write(path, text);
    equal((await recover()).code, 0);
    await eventually(now, old);
  });

  it("of an earlier boot has its files taken back, and the kernel left alone", async () => {
    await killed(4);
    const lines = parseLines(await host.systemd.must("cat", RECORD));
    ok(typeof lines === "object");
    const [record] = lines.values as [{ readonly boot: string }];
    await host.systemd.write(RECORD, lineOf("", { ...record, boot: "another" }).line);
    const { code, stderr } = await recover();
    equal(code, 0, stderr);
    match(stderr, /the files are as before, and the kernel was started anew since$/m);
    await eventually(now, old);
  });

  it("can be let go of where its record is damaged", async () => {
    await killed(1);
    await host.systemd.must("sh", "-c", `echo broken >${RECORD}`);
    match(
      (await recover()).stderr,
      /^linkwright: .*record was edited, .*; look at .*, then: linkwright recover --discard$/m,
    );
    equal((await host.systemd.linkwright("recover", "--discard")).code, 0);
    equal(await isThere(RECORD), false);
    deepEqual(await now(), old);
  });

  it("leaves no trace where nothing was installed before, also by uninstall", async () => {
    equal((await host.systemd.linkwright("systemd", "uninstall")).code, 0);
    const none = await now();
    await killed(6);
    const { code, stderr } = await host.systemd.linkwright("systemd", "uninstall");
    equal(code, 0, stderr);
    await eventually(now, none);
    match(await host.systemd.must("ip", "-4", "address", "show", "ens34f0"), /192\.168\.0\.77/);
  });
});
