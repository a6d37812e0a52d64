/** linkwright.service, as systemd sees it: ready, reading its document again, watched, with its document as a credential. */
import { deepEqual, equal, match } from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { MESSAGE_IDS } from "../../lib/journald/index.ts";
import { needs } from "../../test/needs.ts";
import { type Ended, SystemdHost } from "../systemd/kit.ts";
import { eventually } from "../transaction/kit.ts";

const FILE = "/root/host.yaml";
const INSTALLED = "/etc/linkwright/document.yaml";
const UNIT = "linkwright.service";
const bridge = (mtu: number | string): string => `linkwright: 1\nlinks: { br0: { kind: bridge, mtu: ${mtu} } }\n`;

describe("linkwright.service", function () {
  this.timeout(240_000);
  let host: SystemdHost;
  before(async function () {
    needs(this, "ip", "nsenter");
    host = await SystemdHost.start(this);
    // The bus starts when it is first asked, and systemd is on it a moment later.
    await eventually(async () => (await host.run("busctl", "status", "org.freedesktop.systemd1")).code, 0);
    await host.installPackage();
    await host.write(FILE, bridge(1400));
    await must(`linkwright systemd install ${FILE} --direct`);
  });
  after(async () => await host?.end());

  const must = (line: string): Promise<string> => host.must(...line.split(" "));
  const shown = async (property: string): Promise<string> =>
    (await must(`systemctl show ${UNIT} --value --property=${property}`)).trim();
  const mtu = async (): Promise<string | undefined> =>
    / mtu (\d+)/.exec((await host.run("ip", "-oneline", "link", "show", "br0")).stdout)?.[1];
  /** When systemd heard last of the watchdog, in microseconds. */
  const fed = async (): Promise<number> => Number(await shown("WatchdogTimestampMonotonic"));
  /** Lines of [Service], for the tests after it too. */
  async function dropIn(lines: string): Promise<void> {
    await host.write(`/run/systemd/system/${UNIT}.d/test.conf`, `[Service]\n${lines}\n`);
    await must("systemctl daemon-reload");
  }

  /** No administrator starts a unit as often as these tests do. */
  const forgetStarts = (): Promise<Ended> => host.run("systemctl", "reset-failed", UNIT);
  beforeEach(forgetStarts);

  it("is ready, says what it found, and has no more rights than it needs", async () => {
    equal(await shown("ActiveState"), "active");
    match(await shown("StatusText"), /^as the document says, \d+ properties$/);
    const status = await must(`cat /proc/${await shown("MainPID")}/status`);
    // CAP_NET_ADMIN is the twelfth.
    equal(/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1], "0000000000001000");
    match(status, /^NoNewPrivs:\s*1$/m);
  });

  it("was preceded by a unit that tells the journal what it had to do", async () => {
    await must(`systemctl stop ${UNIT}`);
    await must("ip link delete br0");
    await must("systemctl restart linkwright-apply");
    await must("journalctl --sync");
    match(
      await must("journalctl --no-pager --output=cat LINKWRIGHT_EVENT=applied"),
      /^installed \/root\/host\.yaml: \d+ files, 1 step\n(.*\n)*applied \/etc\/linkwright\/document\.yaml: 1 step$/m,
    );
    await must(`systemctl start ${UNIT}`);
  });

  it("puts right what others change", async () => {
    await must("ip link delete br0");
    await eventually(mtu, "1400");
    await must("ip link set br0 mtu 1300");
    await eventually(mtu, "1400");
    match(await must("journalctl --no-pager --output=cat --identifier=linkwright"), /put right/);
  });

  it("reads its document again when it is told to, and keeps the old one where the new one is wrong", async () => {
    const pid = await shown("MainPID");
    await host.write(INSTALLED, bridge(1350));
    await must(`systemctl reload ${UNIT}`);
    await eventually(mtu, "1350");
    await host.write(INSTALLED, bridge("never"));
    await must(`systemctl reload ${UNIT}`);
    await eventually(async () => /the old document is kept: .*document\.yaml:2:/.test(await shown("StatusText")), true);
    await must("ip link set br0 mtu 1300");
    await eventually(mtu, "1350");
    equal(await shown("MainPID"), pid);
    equal(await shown("ActiveState"), "active");
  });

  it("feeds the watchdog with rounds that succeed, and is killed and started again without", async () => {
    await host.write(INSTALLED, bridge(1350));
    await dropIn("WatchdogSec=2s");
    await must(`systemctl restart ${UNIT}`);
    const [pid, first] = [await shown("MainPID"), await fed()];
    // It lives longer than it may unfed.
    await eventually(async () => (await fed()) - first > 3_000_000, true, 30_000);
    equal(await shown("MainPID"), pid);
    equal(await shown("NRestarts"), "0");
    await must(`kill -STOP ${pid}`);
    await eventually(async () => await shown("NRestarts"), "1", 20_000);
    await eventually(async () => await shown("ActiveState"), "active", 20_000);
    match(await must(`journalctl --no-pager --output=cat --unit=${UNIT}`), /Watchdog timeout/);
  });

  it("does not feed it while it cannot put right what differs, says why, and is started again", async () => {
    const kills = async (): Promise<number> =>
      (await must(`journalctl --no-pager --output=cat --unit=${UNIT}`)).split("Watchdog timeout").length;
    await host.write(INSTALLED, `${bridge(1350)}routes: [{ dst: 203.0.113.0/24, via: 203.0.113.1, dev: br0 }]\n`);
    const [, cursor = ""] = /^-- cursor: (\S+)$/m.exec(await must("journalctl --lines=0 --show-cursor")) ?? [];
    await must(`systemctl restart --no-block ${UNIT}`);
    const filter = `--output=json --lines=1 MESSAGE_ID=${MESSAGE_IDS.failed}`;
    const failed = async (): Promise<string> =>
      (await host.run("journalctl", "--quiet", `--after-cursor=${cursor}`, ...filter.split(" "))).stdout;
    // The status tells of the route as soon as it is missed, and this once it could not be made.
    await eventually(async () => (await failed()) !== "", true, 30_000);
    const { PRIORITY, MESSAGE } = JSON.parse(await failed());
    match(await shown("StatusText"), /203\.0\.113\.0\/24/);
    const killed = await kills();
    equal(PRIORITY, "3");
    match(MESSAGE, /203\.0\.113\.0\/24/);
    await eventually(async () => (await kills()) > killed, true, 30_000);
    await host.write(INSTALLED, bridge(1350));
    await must(`systemctl restart ${UNIT}`);
    equal(await shown("ActiveState"), "active");
  });

  it("is not ready before it could look at the host", async () => {
    const vxlan = "vx0: { kind: vxlan, vni: 1, dev: card0, remote: 192.0.2.1 }";
    await host.write(INSTALLED, `linkwright: 1\nlinks: { ${vxlan} }\n`);
    await must(`systemctl restart --no-block ${UNIT}`);
    await eventually(async () => /card0/.test(await shown("StatusText")), true);
    await must(`systemctl kill --signal=HUP ${UNIT}`);
    await sleep(500);
    equal(await shown("ActiveState"), "activating");
    // So does what applies at boot, which tells what it waits for.
    const applied = host.linkwright("systemd", "apply", INSTALLED, "--deadline", "60");
    const waits = ["--quiet", "--output=json", "--lines=1", `MESSAGE_ID=${MESSAGE_IDS.waiting}`];
    await eventually(async () => (await host.run("journalctl", ...waits)).stdout !== "", true);
    const { PRIORITY, MESSAGE, LINKWRIGHT_FILE } = JSON.parse(await host.must("journalctl", ...waits));
    match(MESSAGE, /^waiting: .*card0/);
    deepEqual([PRIORITY, LINKWRIGHT_FILE], ["4", INSTALLED]);
    await must("ip link add card0 type bridge");
    equal((await applied).code, 0);
    await eventually(async () => await shown("ActiveState"), "active");
    match(await shown("StatusText"), /^(as the document says|put right|\d+ differ)/);
  });

  it("takes its document from a credential", async () => {
    await host.write("/root/secret.yaml", bridge(1250));
    await host.must("chmod", "600", "/root/secret.yaml");
    await dropIn(
      "LoadCredential=linkwright.document:/root/secret.yaml\nExecStart=\nExecStart=/usr/local/bin/linkwright systemd serve",
    );
    await must(`systemctl restart ${UNIT}`);
    await eventually(mtu, "1250");
    equal(await shown("ActiveState"), "active");
  });

  describe("at its socket", () => {
    before(async () => {
      await must(`rm -rf /run/systemd/system/${UNIT}.d`);
      await must("systemctl daemon-reload");
      await forgetStarts();
      await host.write(INSTALLED, bridge(1350));
      await must(`systemctl restart ${UNIT}`);
      await eventually(status, 0);
    });

    const as = (uid: number, ...command: readonly string[]): Promise<Ended> =>
      host.run("setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups", ...command);
    /** Root, without the right to change the network. */
    const bare = (...command: readonly string[]): Promise<Ended> =>
      host.run("setpriv", "--bounding-set=-net_admin", "--inh-caps=-all", ...command);
    const status = async (): Promise<number | null> => (await host.linkwright("status")).code;
    const applied = async (): Promise<void> => {
      await host.write(FILE, "linkwright: 1\nlinks: { br1: { kind: bridge } }\n");
      await must(`linkwright apply ${FILE} --confirm 60`);
    };

    it("tells everybody what it found, and what waits to be confirmed", async () => {
      const { code, stdout, stderr } = await as(65534, "linkwright", "status");
      equal(code, 0, stderr);
      match(stdout, /^linkwright\.service keeps this host as \/etc\/linkwright\/document\.yaml says\n✓ /);
      await applied();
      const waiting = await as(65534, "linkwright", "status");
      equal(waiting.code, 2);
      match(waiting.stdout, /waits to be confirmed.*\nthe old state is put back at \d\d:\d\d:\d\d\n$/);
      const { service, pending } = JSON.parse((await as(65534, "linkwright", "status", "--json")).stdout);
      equal(service.document, INSTALLED);
      match(pending.until, /^\d{4}-\d\d-\d\dT/);
    });

    it("has root confirm, also without the right to change the network, and nobody else", async () => {
      const refused = await as(65534, "linkwright", "confirm");
      equal(refused.code, 1);
      equal(refused.stderr, "linkwright: user 65534 may not confirm; root may: sudo linkwright confirm\n");
      equal(await status(), 2);
      const { code, stdout, stderr } = await bare("linkwright", "confirm");
      equal(code, 0, stderr);
      match(stdout, /^what was applied at .* is kept\n$/);
      equal(await status(), 0);
      match(await must("journalctl --no-pager --output=cat --identifier=linkwright"), /is kept/);
      match((await bare("linkwright", "confirm")).stderr, /^linkwright: nothing waits to be confirmed/);
    });

    it("tells what differs, and since when, for as long as it may not be put right", async () => {
      const lock = (await must("find /run/linkwright -name lock")).trim();
      const holder = host.spawn("flock", lock, "sh", "-c", "until [ -e /run/let-go ]; do sleep 0.1; done");
      const released = new Promise((resolve) => holder.once("close", resolve));
      await eventually(async () => (await host.run("flock", "--nonblock", lock, "true")).code, 1);
      await must("ip link set br0 mtu 1300");
      const told = async () => JSON.parse((await as(65534, "linkwright", "status", "--json")).stdout).service;
      await eventually(async () => (await told()).differing?.what, ["link br0: mtu"]);
      match((await told()).differing.since, /^\d{4}-\d\d-\d\dT/);
      const { code, stdout } = await as(65534, "linkwright", "status");
      equal(code, 2);
      match(stdout, /^✗ 1 differ: link br0 .*\ndiffers since \d\d:\d\d:\d\d:\n {2}link br0: mtu$/m);
      await must("touch /run/let-go");
      await released;
      await eventually(mtu, "1350", 30_000);
      await eventually(status, 0);
      equal((await told()).differing, undefined);
    });

    it("lives on, whatever is sent there", async () => {
      const pid = await shown("MainPID");
      const flood = `
        const file = require("node:fs").readdirSync("/run/linkwright").find((name) => name.endsWith(".socket"));
        const send = (i) => new Promise((resolve) => {
          const socket = require("node:net").connect("/run/linkwright/" + file);
          socket.on("error", () => socket.destroy()).on("close", resolve);
          socket.write("x".repeat(2 ** (i % 17)), () => socket.destroy());
        });
        (async () => { for (let i = 0; i < 300; i++) await send(i); })();`;
      const { code, stderr } = await as(65534, process.execPath, "--eval", flood);
      equal(code, 0, stderr);
      equal(await status(), 0);
      equal(await shown("MainPID"), pid);
      await must("ip link set br0 mtu 1300");
      await eventually(mtu, "1350");
    });

    it("is there again after a crash, and is another one's where the namespace is", async () => {
      const pid = await shown("MainPID");
      await must(`kill -KILL ${pid}`);
      await eventually(async () => (await shown("MainPID")) !== pid && (await status()) === 0, true);
      await must("ip netns add apart");
      match(
        (await host.linkwright("status", "--netns", "apart")).stdout,
        /^no linkwright\.service answers for this network namespace; .*\nnothing waits to be confirmed\n$/,
      );
      await must("ip netns delete apart");
    });

    it("is not needed to confirm, nor to see what waits, where one is root", async () => {
      await must(`systemctl stop ${UNIT}`);
      await must("ip link delete br1");
      await applied();
      const { code, stdout } = await host.linkwright("status");
      equal(code, 2);
      match(stdout, /^no linkwright\.service answers .*\nwhat was applied at .* waits to be confirmed/);
      match(
        (await as(65534, "linkwright", "status")).stdout,
        /whether something waits to be confirmed is for root to know/,
      );
      match(
        (await as(65534, "linkwright", "confirm")).stderr,
        /^linkwright: confirm needs the right to change the network/,
      );
      equal((await host.linkwright("confirm")).code, 0);
      await must("ip link delete br1");
      await must(`systemctl start ${UNIT}`);
    });
  });

  describe("installed a second time", () => {
    before(async () => {
      await must(`rm -rf ${INSTALLED} /run/systemd/system/${UNIT}.d`);
      await must("systemctl daemon-reload");
    });

    /** Installs a document for two hosts, as one of them. */
    async function installedAs(of: string, mtus: string, more = ""): Promise<Ended> {
      await host.write(
        FILE,
        `linkwright: 1\nhosts: { a: {}, b: {} }\nlinks: { br0: { kind: bridge, mtu: ${mtus} } }\n${more}`,
      );
      return await host.linkwright("systemd", "install", FILE, "--direct", "--host", of);
    }
    const undone = async (): Promise<number> =>
      (await must("journalctl --no-pager --output=cat --identifier=linkwright")).split("put right").length;
    const PATIENCE = 1500;

    it("does not undo a later installation, and is the host's of that one", async () => {
      const before = await undone();
      for (const [of, wanted] of [
        ["a", "1330"],
        ["b", "1320"],
      ] as const) {
        const { code, stderr } = await installedAs(of, "{ a: 1330, b: 1320 }");
        equal(code, 0, stderr);
        await sleep(PATIENCE);
        equal(await mtu(), wanted);
        match(await must(`cat /proc/${await shown("MainPID")}/cmdline`), new RegExp(`--host\0${of}\0`));
        match(await shown("StatusText"), /^as the document says/);
      }
      equal(await undone(), before);
    });

    it("keeps the old state where a later installation fails", async () => {
      const before = await undone();
      const { code, stderr } = await installedAs(
        "a",
        "{ a: 1310, b: 1300 }",
        "probes: [{ ping: 192.0.2.99, timeout: 0.2 }]\n",
      );
      equal(code, 1);
      match(stderr, /192\.0\.2\.99.*; the files are as before, and the old state was put back/);
      equal(await mtu(), "1320");
      await sleep(PATIENCE);
      equal(await mtu(), "1320");
      equal(await shown("ActiveState"), "active");
      match(await must(`cat ${INSTALLED}`), /b: 1320/);
      match(await must(`cat /proc/${await shown("MainPID")}/cmdline`), /--host\0b\0/);
      equal(await undone(), before);
    });

    it("takes the place of the shipped unit once that is disabled", async () => {
      await must("linkwright systemd uninstall");
      await must("systemctl enable /usr/local/lib/node_modules/linkwright/systemd/linkwright-recover.service");
      const { code, stderr } = await installedAs("a", "{ a: 1330, b: 1320 }");
      equal(code, 1);
      match(stderr, /a link to \/usr\/local\/.*; take it away first: systemctl disable linkwright-recover\.service$/m);
      await must("systemctl disable linkwright-recover.service");
      equal((await installedAs("a", "{ a: 1330, b: 1320 }")).code, 0);
    });
  });
});
