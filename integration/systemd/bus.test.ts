/** networkd and units, asked from a program with the shipped package, on a host with a real systemd. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import type { Suspect } from "../../lib/drift/index.ts";
import { eventually } from "../transaction/kit.ts";
import { ROOT, SystemdHost } from "./kit.ts";

const ENTRY = join(ROOT, "dist/lib/systemd/index.js");
/** Before each program: `systemd` to ask, and `told`, which gives how a promise failed. */
const HEAD = `
  import { Systemd } from ${JSON.stringify(ENTRY)};
  import { execFileSync } from "node:child_process";
  const speakers = process.env.SPEAKER ? [process.env.SPEAKER] : undefined;
  const systemd = new Systemd({ speakers });
  const { networkd, units } = systemd;
  const told = (promise) => promise.then(() => "no error", ({ code, message, reason }) => ({ code, message, reason }));
  const say = (value) => console.log(JSON.stringify(value));
`;
const NETDEV = (name: string): string => `[NetDev]\nName=${name}\nKind=bridge\n`;
const NETWORK = (name: string, address: string): string =>
  `[Match]\nName=${name}\n[Link]\nRequiredForOnline=no\n[Network]\nAddress=${address}\nConfigureWithoutCarrier=yes\n` +
  "LinkLocalAddressing=no\nIPv6AcceptRA=no\n";
const FOLDER = "/etc/systemd/network";

interface Told {
  readonly code: string;
  readonly message: string;
}

describe("systemd, asked by a program", function () {
  this.timeout(240_000);
  let host: SystemdHost;
  before(async function () {
    host = await SystemdHost.start(this);
    await host.write(
      "/run/systemd/system/good.service",
      "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=true\nExecReload=true\n[Install]\nWantedBy=multi-user.target\n",
    );
    await host.write("/run/systemd/system/bad.service", "[Service]\nType=oneshot\nExecStart=false\n");
  });
  after(async () => await host?.end());

  /** What a program said, line by line. `before` is put before the command: environment, other rights. */
  async function said<T>(program: string, ...before: readonly string[]): Promise<readonly T[]> {
    const command = [process.execPath, "--input-type=module", "--eval", `${HEAD}${program}\nsystemd.close();`];
    const { code, stdout, stderr } = await host.run(...before, ...command);
    equal(stderr, "");
    equal(code, 0, stdout);
    return stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as T);
  }
  async function bridge(name: string, address: string): Promise<void> {
    await host.write(`${FOLDER}/20-${name}.netdev`, NETDEV(name));
    await host.write(`${FOLDER}/20-${name}.network`, NETWORK(name, address));
  }

  it("says that networkd does not run, is masked, and does not start it by asking", async () => {
    const [off] = await said<Told>("say(await told(networkd.describe()));");
    equal(off?.code, "ERR_NO_NETWORKD");
    match(
      off.message,
      /^systemd-networkd is not running; start it with systemctl enable --now systemd-networkd\.service$/,
    );
    equal((await host.run("systemctl", "is-active", "systemd-networkd")).stdout, "inactive\n");
    await host.must("systemctl", "mask", "--quiet", "systemd-networkd");
    for (const speaker of ["package", "busctl"]) {
      const [masked] = await said<Told>("say(await told(networkd.reload()));", "env", `SPEAKER=${speaker}`);
      equal(masked?.code, "ERR_NO_NETWORKD");
      match(masked.message, /is masked; allow it with systemctl unmask systemd-networkd\.service$/);
    }
    await host.must("systemctl", "unmask", "--quiet", "systemd-networkd");
  });

  for (const speaker of ["package", "busctl"])
    describe(`over D-Bus by ${speaker}`, () => {
      const env = ["env", `SPEAKER=${speaker}`];
      before(async () => {
        await bridge("br-vm", "192.0.2.1/24");
        await said("await units.start('systemd-networkd.service'); say(0);", ...env);
      });
      after(async () => {
        // Its socket is the kernel's news of links: with it, each change would start networkd again.
        await host.must(
          "sh",
          "-c",
          `rm -f ${FOLDER}/*; systemctl stop systemd-networkd.socket systemd-networkd.service`,
        );
        await host.must("sh", "-c", "for link in br-vm br-new br-bad; do ip link del $link 2>/dev/null || true; done");
      });

      it("describes what networkd manages, as networkctl does", async () => {
        const program = "await networkd.waitConfigured(['br-vm']); say((await networkd.describe()).Interfaces);";
        const [links = []] = await said<{ Name: string; NetworkFile?: string }[]>(program, ...env);
        const oracle = JSON.parse(await host.must("networkctl", "--json=short", "list")) as {
          Interfaces: { Name: string }[];
        };
        deepEqual(links.map(({ Name }) => Name).sort(), oracle.Interfaces.map(({ Name }) => Name).sort());
        equal(links.find(({ Name }) => Name === "br-vm")?.NetworkFile, `${FOLDER}/20-br-vm.network`);
      });

      it("reloads files, waits until they are in effect, and configures a link anew", async () => {
        await bridge("br-new", "198.51.100.1/24");
        const program = `
          await networkd.reload();
          const [state] = await networkd.waitConfigured(["br-new"], { deadline: 10 });
          say(state);
          execFileSync("ip", ["address", "del", "198.51.100.1/24", "dev", "br-new"]);
          await networkd.reconfigureLink(state.ifindex);
          await networkd.waitConfigured(["br-new", "br-vm"], { deadline: 10 });`;
        const [state] = await said<{ name: string; administrative: string }>(program, ...env);
        deepEqual([state?.name, state?.administrative], ["br-new", "configured"]);
        await eventually(async () => /198\.51\.100\.1\/24/.test(await host.must("ip", "-oneline", "address")), true);
      });

      it("is suspected where it changes what a document says", async () => {
        const file = `${FOLDER}/20-br-vm.network`;
        const program = `
          import { writeFileSync } from "node:fs";
          import { Host } from ${JSON.stringify(join(ROOT, "dist/lib/index.js"))};
          import { desiredOf, guard, parseSource } from ${JSON.stringify(join(ROOT, "dist/lib/fabric/index.js"))};
          const over = new AbortController();
          const host = await Host.open();
          const desired = desiredOf(parseSource("linkwright: 1\\naddresses: [{ address: 192.0.2.1/24, dev: br-vm }]", "f.yaml"));
          const reports = guard(host, desired, { signal: over.signal });
          const { value: { type } } = await reports.next();
          writeFileSync(${JSON.stringify(file)}, ${JSON.stringify(NETWORK("br-vm", "192.0.2.2/24"))});
          await networkd.reload();
          const { value: { verification, suspects } } = await reports.next();
          say([type, verification.differences.map(({ subject }) => subject), suspects]);
          over.abort();
          for await (const _ of reports);
          host.close();`;
        const [[type, subjects, suspects] = ["", [], []]] = await said<[string, string[], Suspect[]]>(program, ...env);
        await bridge("br-vm", "192.0.2.1/24");
        deepEqual([type, ...new Set(subjects)], ["ok", "192.0.2.1/24 on br-vm"]);
        match(suspects[0]?.who ?? "", /^systemd-networkd/);
        match(suspects[0]?.cure ?? "", /Unmanaged=yes/);
      });

      it("tells of each link that becomes another, over a restart of networkd, until the signal comes", async () => {
        const program = `
          const over = new AbortController();
          const states = networkd.linkStates({ signal: over.signal });
          const until = async (name, state) => {
            for (;;) {
              const { value, done } = await states.next();
              if (done) throw new Error("it ended");
              if (value.name === name && value.administrative === state) return say(name + " " + state);
            }
          };
          await until("br-vm", "configured");
          execFileSync("ip", ["link", "add", "other", "type", "bridge"]);
          await until("other", "unmanaged");
          await units.restart("systemd-networkd.service");
          execFileSync("ip", ["link", "del", "other"]);
          await until("other", "removed");
          const end = states.next();
          setTimeout(() => over.abort(), 50);
          say((await end).done);`;
        deepEqual(await said(program, ...env), ["br-vm configured", "other unmanaged", "other removed", true]);
      });

      it("names links that are not configured in time, and why", async () => {
        const program = "say(await told(networkd.waitConfigured(['lo', 'nix'], { deadline: 1.5 })));";
        const [late] = await said<Told>(program, ...env);
        equal(late?.code, "ERR_LINK");
        match(
          late.message,
          /^not configured in 1\.5 s: lo is unmanaged \(no \.network file fits it\), nix is not there; see /,
        );
      });

      it("does not take another namespace's networkd for its own", async () => {
        await host.must("sh", "-c", "ip netns add blue 2>/dev/null || true");
        const program = "say(await told(networkd.describe())); say(await told(networkd.reload()));";
        const errors = await said<Told>(program, "ip", "netns", "exec", "blue", ...env);
        for (const { code, message } of errors) {
          equal(code, "ERR_OTHER_NETNS");
          match(message, /^systemd-networkd manages another network namespace \(\d+\) than this one \(\d+\)/);
        }
        equal(errors.length, 2);
      });

      it("refuses others than root what only root may, and lets them look", async () => {
        const program = "say((await networkd.describe()).Interfaces.length > 1); say(await told(networkd.reload()));";
        const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", ...env];
        const [seen, denied] = await said<unknown>(program, ...nobody);
        equal(seen, true);
        equal((denied as Told).code, "ERR_DENIED");
        match((denied as Told).message, /^cannot have networkd reload: .*; run it as root$/);
      });

      it("runs jobs of units and waits for their end", async () => {
        const program = `
          await units.start("good.service");
          say((await units.unitState("good.service")).active);
          await units.reload("good.service");
          await units.restart("good.service");
          await units.stop("good.service");
          say((await units.unitState("good.service")).active);
          say(await told(units.start("bad.service")));
          say(await told(units.start("nix.service")));
          say((await units.unitState("nix.service")).load);`;
        const [up, down, failed, nix, load] = await said<unknown>(program, ...env);
        deepEqual([up, down, load], ["active", "inactive", "not-found"]);
        equal((failed as Told).code, "ERR_JOB");
        match((failed as Told).message, /^cannot start bad\.service: failed; see systemctl status bad\.service/);
        equal((nix as Told).code, "ERR_NO_UNIT");
        await host.must("systemctl", "reset-failed");
      });

      it("enables, disables, and reads unit files again", async () => {
        const enabled = async (): Promise<string> =>
          (await host.run("systemctl", "is-enabled", "good.service")).stdout.trim();
        const [changes] = await said("say(await units.enable('good.service', { runtime: true }));", ...env);
        match(JSON.stringify(changes), /"type":"symlink","file":"[^"]*multi-user\.target\.wants\/good\.service"/);
        equal(await enabled(), "enabled-runtime");
        await said("say(await units.disable('good.service', { runtime: true }));", ...env);
        equal(await enabled(), "disabled");
        await host.write("/run/systemd/system/late.service", "[Unit]\nDescription=one\n");
        const program = "await units.daemonReload(); say((await units.unitState('late.service')).description);";
        await said("say(await units.unitState('late.service'));", ...env);
        await host.write("/run/systemd/system/late.service", "[Unit]\nDescription=two\n");
        deepEqual(await said(program, ...env), ["two"]);
      });
    });

  it("says what is missing where there is no D-Bus", async () => {
    const program = `say(await told(units.unitState("good.service")));`;
    const [error] = await said<Told>(program, "env", "DBUS_SYSTEM_BUS_ADDRESS=unix:path=/run/nobody");
    equal(error?.code, "ERR_NO_BUS");
    match(
      error.message,
      /^no D-Bus at unix:path=\/run\/nobody: there is no such socket; start it with systemctl start dbus\.socket/,
    );
  });

  it("does without the package where it is not installed", async () => {
    await host.must("sh", "-c", `mkdir -p /tmp/bare && cp -r ${ROOT}/dist ${ROOT}/package.json /tmp/bare/`);
    const program = `
      const { Systemd: Bare } = await import("/tmp/bare/dist/lib/systemd/index.js");
      say((await new Bare().units.unitState("good.service")).load);
      say(await told(new Bare({ speakers: ["package"] }).units.unitState("good.service")));`;
    const [load, error] = await said<unknown>(program);
    equal(load, "loaded");
    ok((error as Told).code === "ERR_NO_BUS");
  });
});
