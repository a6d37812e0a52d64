/** `systemd install` with the real networkd: what comes of it, and that nothing is left where it fails. */
import { deepEqual, doesNotMatch, equal, match, ok } from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { MESSAGE_IDS } from "../../lib/journald/index.ts";
import { eventually } from "../transaction/kit.ts";
import { NetworkdHost } from "./host.ts";

const document = (vni: number, more = ""): string => `
linkwright: 1
links:
  br-vm: { kind: bridge, mtu: 1450, mac: "02:12:12:13:90:01", addresses: [12.12.139.1/24] }
  vxlan0: { kind: vxlan, vni: ${vni}, dev: ens34f0, remote: 192.168.0.24, master: br-vm, mtu: 1450, mac: "02:12:12:13:90:02" }
sysctls: { net.ipv4.ip_forward: 1 }
nat: [{ masquerade: 12.12.139.0/24, out: ens34f0 }]
forward: [{ in: br-vm, out: ens34f0, accept: all }]
${more}`;

describe("systemd install", function () {
  this.timeout(240_000);
  let host: NetworkdHost;
  before(async function () {
    host = await NetworkdHost.start(this);
  });
  after(async () => await host?.systemd.end());
  /** What networkd may complain of in a test; nothing, where that does not say so. */
  let permitted: RegExp | undefined;
  beforeEach(() => {
    permitted = undefined;
  });
  afterEach(async function () {
    const complaints = (await host.log()).split("\n").filter((line) => line !== "" && permitted?.test(line) !== true);
    await host.clean();
    if (this.currentTest?.state === "passed") deepEqual(complaints, []);
  });

  it("has networkd make the document's links, does the rest, and has nothing to do the second time", async () => {
    const { stdout } = await host.installed(document(39));
    match(stdout, /✓ br-vm is configured by networkd/);
    const vxlan = await host.link("vxlan0");
    deepEqual([vxlan?.master, vxlan?.mtu, vxlan?.linkinfo?.info_data?.["id"]], ["br-vm", 1450, 39]);
    equal((await host.on(document(39), "verify")).code, 0);
    // The underlay is somebody else's, and so is its address.
    match(await host.systemd.must("ip", "-4", "address", "show", "ens34f0"), /192\.168\.0\.23\/24/);
    equal((await host.systemd.must("systemctl", "is-enabled", "linkwright-nftables")).trim(), "enabled");
    const before = await host.files();
    match((await host.installed(document(39))).stdout, /all files were as they should be/);
    equal(await host.files(), before);
  });

  it("is in the journal, also where it fails, and so is its end", async () => {
    const last = async (kind: "applied" | "reverted" | "waiting"): Promise<readonly unknown[]> => {
      await host.systemd.must("journalctl", "--sync");
      const filter = ["--output=json", "--lines=1", `MESSAGE_ID=${MESSAGE_IDS[kind]}`];
      const entry = JSON.parse(await host.systemd.must("journalctl", "--quiet", ...filter)) as Record<string, unknown>;
      return ["MESSAGE", "PRIORITY", "LINKWRIGHT_MODE", "LINKWRIGHT_FILE", "LINKWRIGHT_LINK"].map((key) => entry[key]);
    };
    const file = "/root/host.yaml";
    // An underlay without a carrier is waited for no longer than a moment, which is told.
    await host.systemd.must("ip", "link", "set", "cable", "down");
    const late = /^networkd has not configured ens34f0 yet \(\w+, no-carrier\): installed all the same; .*$/m;
    const [told] = late.exec((await host.installed(document(39))).stderr) ?? [];
    ok(told !== undefined);
    deepEqual(await last("waiting"), [told, "4", undefined, file, "ens34f0"]);
    await host.systemd.must("ip", "link", "set", "cable", "up");
    const [message = "", ...rest] = await last("applied");
    match(String(message), /^installed \/root\/host\.yaml: \d+ files, \d+ steps$/);
    deepEqual(rest, ["5", "install", file, undefined]);
    equal((await host.install(document(39, "probes: [{ ping: 192.168.0.99, timeout: 0.3 }]\n"))).code, 1);
    const [failed = "", ...more] = await last("reverted");
    match(String(failed), /^did not install \/root\/host\.yaml: .*192\.168\.0\.99.*; the files are as before/);
    deepEqual(more, ["4", "install", file, undefined]);
    equal((await host.systemd.linkwright("systemd", "uninstall")).code, 0);
    const [gone = "", ...ended] = await last("applied");
    match(String(gone), /^took away what was installed: \d+ files$/);
    deepEqual(ended, ["5", "uninstall", undefined, undefined]);
  });

  it("has networkd make a link again that somebody deleted, though its files are as they should be", async () => {
    const bridge = `
linkwright: 1
links:
  br-vm: { kind: bridge, mac: "02:12:12:13:90:01", addresses: [12.12.139.1/24] }
`;
    await host.installed(bridge);
    await host.systemd.must("ip", "link", "delete", "br-vm");
    // networkd by itself would never make it, and the wait for it would end in a failure.
    match((await host.installed(bridge, "--deadline", "20")).stdout, /✓ br-vm is configured by networkd/);
    equal((await host.on(bridge, "verify")).code, 0);
  });

  it("does by netlink what networkd skips in a file that changed, and makes a link again only where it may", async () => {
    await host.installed(document(39));
    const index = async () => (await host.link("vxlan0"))?.ifindex;
    const before = await index();
    await host.installed(
      document(39).replace(
        'mtu: 1450, mac: "02:12:12:13:90:02"',
        'mtu: 1400, learning: false, ttl: 9, mac: "02:12:12:13:90:02"',
      ),
    );
    const { mtu, linkinfo } = (await host.link("vxlan0")) ?? {};
    deepEqual([mtu, linkinfo?.info_data?.["learning"], linkinfo?.info_data?.["ttl"]], [1400, false, 9]);
    equal(await index(), before);

    const [files, state] = [await host.files(), await host.state()];
    const refused = await host.install(document(77));
    match(refused.stderr, /link vxlan0 has to be made again: vni cannot change on a live link;.*--allow-recreate/);
    deepEqual([await host.files(), await host.state()], [files, state]);
    await host.installed(document(77), "--allow-recreate");
    equal((await host.link("vxlan0"))?.linkinfo?.info_data?.["id"], 77);
    equal((await host.on(document(77), "verify")).code, 0);
  });

  it("removes files of what the document no longer has, and tells of the link", async () => {
    await host.installed(document(39));
    const { stdout } = await host.installed("linkwright: 1\nlinks:\n  br-vm: { kind: bridge }\n");
    match(stdout, /vxlan0 is no more made at boot; it is there until then/);
    match(await host.files(), /10-linkwright-br-vm\.netdev 644/);
    doesNotMatch(await host.files(), /vxlan0|nftables|sysctl/);
    equal((await host.systemd.run("systemctl", "is-active", "linkwright-nftables")).stdout, "inactive\n");
  });

  it("shows what would change, and changes nothing", async () => {
    const first = await host.install(document(39), "--dry-run");
    equal(first.code, 2);
    match(
      first.stdout,
      /^--- \/dev\/null\n\+\+\+ \/etc\/systemd\/network\/10-linkwright-br-vm\.netdev\n@@ -0,0 \+1,\d+ @@\n/,
    );
    equal(await host.files(), "");
    await host.installed(document(39));
    const { stdout } = await host.install(
      document(39).replace("1450, addresses", "1400, addresses").replace("12.12.139.1/24", "12.12.139.2/24"),
      "--dry-run",
    );
    match(stdout, /^-Address=12\.12\.139\.1\/24\n\+Address=12\.12\.139\.2\/24$/m);
    equal((await host.install(document(39), "--dry-run")).code, 0);
  });

  it("writes over nobody's file, and over none that was edited", async () => {
    const link = "/etc/systemd/network/10-linkwright-br-vm.network";
    const unit = "/etc/systemd/system/linkwright-nftables.service";
    for (const file of [link, unit]) {
      await host.systemd.write(file, "[Match]\nName=br-vm\n");
      const [files, state] = [await host.files(), await host.state()];
      equal(
        (await host.install(document(39))).stderr,
        `linkwright: ${file}: somebody else's file; move it away first\n`,
      );
      deepEqual([await host.files(), await host.state()], [files, state]);
      await host.systemd.must("rm", file);
    }
    await host.installed(document(39));
    for (const file of [unit, link]) await refusesEdited(file);
  });

  /** A file of an installation is edited: neither installing again nor uninstalling touches anything. */
  async function refusesEdited(file: string): Promise<void> {
    const text = await host.systemd.must("cat", file);
    await host.systemd.must("sh", "-c", `echo '# mine' >>${file}`);
    const before = await host.files();
    for (const again of [
      await host.install(document(39)),
      await host.systemd.linkwright("systemd", "uninstall"),
      await host.install(document(40), "--allow-recreate"),
    ]) {
      equal(again.code, 1);
      equal(again.stderr, `linkwright: ${file}: was changed by hand since it was written; move it away first\n`);
    }
    equal(await host.files(), before);
    await host.systemd.write(file, text);
  }

  it("puts everything back where a probe fails", async () => {
    await host.installed(document(39));
    const [files, state] = [await host.files(), await host.state()];
    const { code, stderr } = await host.install(
      document(39, "probes: [{ ping: 192.168.0.99, timeout: 1 }]\n")
        .replace("12.12.139.1/24", "12.12.139.2/24")
        .replaceAll("1450", "1400")
        .replace("ip_forward: 1", "ip_forward: 0"),
    );
    equal(code, 1);
    match(stderr, /192\.168\.0\.99.*; the files are as before, and the old state was put back/);
    deepEqual([await host.files(), await host.state()], [files, state]);
    equal((await host.on(document(39), "verify")).code, 0);
  });

  it("puts everything back where a file of somebody else comes first", async () => {
    await host.systemd.write(
      "/etc/systemd/network/05-all.network",
      "[Match]\nName=br-* vx*\n[Network]\nLinkLocalAddressing=no\nConfigureWithoutCarrier=yes\n",
    );
    await host.systemd.must("networkctl", "reload");
    const [files, state] = [await host.files(), await host.state()];
    const { stderr } = await host.install(document(39));
    match(
      stderr,
      /networkd configures \S+ by \/etc\/systemd\/network\/05-all\.network, which comes before .*; the files are as before, and the old state was put back/,
    );
    deepEqual([await host.files(), await host.state()], [files, state]);
    ok((await host.systemd.run("systemctl", "is-enabled", "linkwright-nftables")).code !== 0);
  });

  it("stays in force, rules too, when networkd starts again and configures each link anew; nexthops as far as it lets them", async () => {
    const file = "/etc/systemd/network/ens.network";
    const mine = "[Match]\nName=ens34f0\n[Network]\nAddress=192.168.0.23/24\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n";
    await host.systemd.write(file, mine);
    await host.systemd.must("networkctl", "reload");
    await host.configured("ens34f0");
    const more = `
nexthops: [{ id: 7, via: 192.168.0.1, dev: ens34f0 }]
routes: [{ dst: 198.51.100.0/24, nhid: 7 }]
rules:
  - { from: 10.9.9.0/24, table: 100, priority: 1000 }
  - { from: 10.9.8.0/24, goto: 2000, priority: 1001 }
`;
    // An alias is none of networkd's words: what sets it at boot has to change a link that a file of somebody else is for.
    const text = document(39, more).replace("links:\n", "links:\n  ens34f0: { alias: uplink }\n");
    const { stderr } = await host.installed(text);
    match(stderr, /by linkwright-apply\.service: rules\.1: goto: networkd has no key for it/);
    const lost = async (): Promise<unknown> =>
      (await host.on(text, "verify", "--json")).stdout.match(/"differences": \[[^\]]*/)?.[0];
    const none = await lost();
    const stays = async (): Promise<void> => {
      for (const link of ["ens34f0", "br-vm", "vxlan0"]) await host.configured(link);
      await eventually(lost, none);
      await sleep(500);
      equal(await lost(), none);
    };
    await host.systemd.must("systemctl", "restart", "systemd-networkd");
    await stays();
    for (const link of ["br-vm", "vxlan0"]) await host.systemd.must("networkctl", "reconfigure", link);
    await stays();
    await host.systemd.must("networkctl", "reconfigure", "ens34f0");
    await host.configured("ens34f0");
    // Before 257 nothing keeps nexthops, and what leads over them, of links that are configured anew.
    if ((await host.version()) < 257) await host.systemd.must("systemctl", "reload", "linkwright-apply");
    await stays();
    await host.systemd.must("ip", "link", "set", "ens34f0", "alias", "");
    await host.systemd.must("systemctl", "restart", "linkwright-apply");
    equal(await lost(), none);
    match((await host.on(text, "apply")).stdout, /nothing to do/);
    for (const words of ["rule delete priority 1001", "nexthop flush", "link set ens34f0 alias ''"])
      await host.systemd.run("sh", "-c", `ip ${words}`);
  });

  it("changes a policy rule, and takes one away: what networkd had from the old files does not come back", async () => {
    const rule = (from: string): string => `rules: [{ from: ${from}, table: 100, priority: 1000 }]\n`;
    const there = async (): Promise<string> =>
      (await host.systemd.must("ip", "rule", "list", "priority", "1000")).replaceAll(/\s+/g, " ").trim();
    const [first, second] = ["10.9.9.0/24", "10.9.8.0/24"];
    // 252 sets a rule a second time when the bridge gets its carrier, and then deletes it twice.
    if ((await host.version()) < 257) permitted = /^Could not drop routing policy rule: No such file or directory$/;
    await host.installed(document(39, rule(first)));
    match(await there(), /^1000: from 10\.9\.9\.0\/24 lookup 100 proto static$/);
    await host.installed(document(39, rule(second)));
    match(await there(), /^1000: from 10\.9\.8\.0\/24 lookup 100 proto static$/);
    await host.systemd.must("ip", "rule", "add", "from", "198.51.100.7", "lookup", "main", "priority", "1000");
    await host.installed(document(39));
    equal(await there(), "1000: from 198.51.100.7 lookup main");
  });

  it("adds to the file that networkd has for the underlay already, and refuses at once where that is for others too", async () => {
    const file = "/etc/systemd/network/ens.network";
    const dropIn = `${file}.d/90-linkwright.conf`;
    const theirs = async (names: string): Promise<void> => {
      await host.systemd.write(
        file,
        `[Match]\nName=${names}\n[Network]\nAddress=192.168.0.23/24\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n`,
      );
      await host.systemd.must("networkctl", "reload");
      await host.configured("ens34f0");
    };
    await theirs("ens34f0 cable");
    await host.configured("cable");
    const before = await host.files();
    match(
      (await host.install(document(39))).stderr,
      /^linkwright: networkd configures ens34f0 by \/etc\/systemd\/network\/ens\.network, which is for cable too, /m,
    );
    equal(await host.files(), before);

    await theirs("ens34f0");
    const byHand = ["address add 192.168.0.77/24 dev ens34f0", "route add 198.51.100.0/24 via 192.168.0.1 dev ens34f0"];
    for (const words of [...byHand, "rule add from 198.51.100.7 lookup main priority 1000"])
      await host.systemd.must("ip", ...words.split(" "));
    const underlay = async (): Promise<string> =>
      await host.systemd.must(
        "sh",
        "-c",
        "ip -4 -oneline address show ens34f0; ip -4 route show table all dev ens34f0; ip rule",
      );
    const made = await underlay();
    const failed = await host.install(document(39, "probes: [{ ping: 192.168.0.99, timeout: 0.3 }]\n"));
    match(failed.stderr, /192\.168\.0\.99.*; the files are as before, and the old state was put back/);
    equal(await underlay(), made);
    // 262 does not take such a neighbor for a failure.
    if ((await host.version()) < 257) {
      // What networkd fails at comes with the files that it reads on the occasion: no such address fits the card.
      const bad = `${file}.d/50-bad.conf`;
      permitted = /^ens34f0: (Could not (set|remove) neighbor|Failed)/;
      await host.systemd.write(bad, "[Neighbor]\nAddress=192.168.0.9\nLinkLayerAddress=10.0.0.1\n");
      const refused = await host.install(document(39));
      match(refused.stderr, /networkd failed to configure ens34f0; see .*; the files are as before, and the old state/);
      equal(await underlay(), made);
      await host.systemd.must("rm", bad);
      // What it failed at is not tried again by reading the files.
      await host.systemd.must("networkctl", "reload");
      await host.systemd.must("networkctl", "reconfigure", "ens34f0");
      await host.configured("ens34f0");
      for (const words of byHand) await host.systemd.run("ip", ...words.split(" "));
      await host.systemd.run("ip", "rule", "add", "from", "198.51.100.7", "lookup", "main", "priority", "1000");
    }
    match((await host.installed(document(39))).stderr, /what is added stands in ens\.network\.d\/90-linkwright\.conf/);
    const text = await host.systemd.must("cat", dropIn);
    match(text, /^\[Network\]\nKeepConfiguration=static\nVXLAN=vxlan0$/m);
    doesNotMatch(text, /Match/);
    doesNotMatch(await host.files(), /90-linkwright-ens34f0/);
    match(
      await host.systemd.must("networkctl", "status", "ens34f0"),
      /Network File: \/etc\/systemd\/network\/ens\.network/,
    );
    const addresses = await host.systemd.must("ip", "-4", "address", "show", "ens34f0");
    for (const address of ["192.168.0.23", "192.168.0.77"]) ok(addresses.includes(address), addresses);
    match((await host.installed(document(39))).stdout, /all files were as they should be/);

    equal(await underlay(), made);
    const { stderr } = await host.systemd.linkwright("systemd", "uninstall");
    equal(stderr, "");
    equal(await underlay(), made);
    equal((await host.systemd.run("ls", `${file}.d`)).code, 2);
    equal((await host.systemd.run("ls", file)).code, 0);
    await host.systemd.must("ip", "address", "delete", "192.168.0.77/24", "dev", "ens34f0");
    await host.systemd.must("ip", "route", "delete", "198.51.100.0/24");
  });

  it("lasts until the next boot with --runtime, also where /etc is read-only", async () => {
    // It remembers by which file it made a link until it starts again.
    permitted = /: Device was already configured by /;
    await host.systemd.must("mount", "--bind", "/etc", "/etc");
    await host.systemd.must("mount", "-o", "remount,bind,ro", "/etc");
    try {
      for (const command of ["install", "install --direct", "unmanage"]) {
        const { code, stderr } = await host.on(document(39), `systemd ${command}`);
        equal(code, 1);
        match(
          stderr,
          /^linkwright: \/etc\S+ is read-only; mount it writable, or add --runtime, which lasts until the next boot\n$/m,
        );
      }
      equal(await host.files(), "");
      await host.installed(document(39), "--runtime");
      match(await host.files(), /^\/run\/systemd\/network\/10-linkwright-br-vm\.netdev 644/m);
      equal((await host.systemd.must("systemctl", "is-enabled", "linkwright-nftables")).trim(), "enabled-runtime");
    } finally {
      await host.systemd.must("umount", "/etc");
    }
    await host.installed(document(39));
    doesNotMatch(await host.files(), /^\/run/m);
    match((await host.install(document(39), "--runtime")).stderr, /hides the file of that name in \/run/);
  });

  it("leaves to apply what systemd's files cannot hold, odd names too", async () => {
    const names = ["42"];
    const links = names.map((name) => `  ${JSON.stringify(name)}: { kind: bridge }\n`).join("");
    const { stderr } = await host.installed(
      `linkwright: 1\nlinks:\n${links}  w: { kind: bridge, mcastMldVersion: 2, noLinklocalLearn: true }\n`,
    );
    match(stderr, /by linkwright-apply\.service: links\.42: systemd's files cannot hold such a name/);
    const newer = /links\.w\.noLinklocalLearn: networkd has LinkLocalLearning= since systemd 258, this is for 25\d$/m;
    if ((await host.version()) < 258) match(stderr, newer);
    else doesNotMatch(stderr, /LinkLocalLearning/);
    const there = (await host.systemd.must("ls", "/sys/class/net")).split("\n");
    deepEqual(
      names.filter((name) => !there.includes(name)),
      [],
    );
    equal((await host.systemd.must("systemctl", "is-active", "linkwright-apply")).trim(), "active");
  });

  it("takes no name that could lead elsewhere or begin a line", async () => {
    const names = ["a%b", "a b", "a'b", 'a"b', "../a", "a\nb", "a\\b"];
    const links = names.map((name) => `  ${JSON.stringify(name)}: { kind: bridge }\n`).join("");
    const { code, stderr } = await host.install(`linkwright: 1\nlinks:\n${links}`);
    equal(code, 1);
    deepEqual(
      stderr
        .trim()
        .split("\n")
        .map(
          (line) =>
            /^linkwright: \/root\/host\.yaml:(\d+):3: links\S* ?\S*: expected an interface name/.exec(line)?.[1],
        ),
      names.map((_, at) => String(3 + at)),
    );
    equal(await host.files(), "");
  });

  it("is taken back by uninstall", async () => {
    await host.installed(document(39));
    const { stdout } = await host.systemd.linkwright("systemd", "uninstall");
    match(stdout, /removed \/etc\/systemd\/network\/10-linkwright-br-vm\.netdev/);
    equal(await host.files(), "");
    ok((await host.link("vxlan0")) !== undefined);
    match(await host.systemd.must("networkctl", "list", "vxlan0"), /unmanaged/);
    equal((await host.on(document(39), "remove", "--confirm", "0")).code, 0);
    equal(await host.link("vxlan0"), undefined);
    match((await host.systemd.linkwright("systemd", "uninstall")).stdout, /nothing was installed/);
  });

  describe("where networkd cannot be asked", () => {
    const UNITS = ["systemd-networkd.service", "systemd-networkd.socket"];
    afterEach(async () => {
      await host.systemd.run("systemctl", "unmask", ...UNITS);
      await host.systemd.run("systemctl", "start", "dbus.socket", "dbus.service", "systemd-networkd");
    });

    async function refusal(...options: readonly string[]): Promise<string> {
      const { code, stderr } = await host.install(document(39), ...options);
      equal(code, 1);
      deepEqual([await host.files(), await host.link("br-vm")], ["", undefined]);
      const lines = stderr.split("\n").filter((line) => line.startsWith("linkwright:"));
      equal(lines.length, 1, stderr);
      return lines[0] ?? "";
    }

    it("says that it is dead", async () => {
      await host.systemd.must("systemctl", "stop", ...UNITS);
      match(await refusal(), /systemd-networkd is not running; start it with systemctl/);
    });

    it("says that it is masked", async () => {
      await host.systemd.must("systemctl", "stop", ...UNITS);
      await host.systemd.must("systemctl", "mask", ...UNITS);
      match(await refusal(), /systemd-networkd is masked; allow it with systemctl unmask/);
    });

    it("says that it is in another network namespace", async () => {
      await host.systemd.must("ip", "netns", "add", "blue");
      await host.systemd.must("ip", "-n", "blue", "link", "add", "ens34f0", "type", "bridge");
      const { code, stderr } = await host.systemd.run(
        "ip",
        "netns",
        "exec",
        "blue",
        "/usr/local/bin/linkwright",
        "systemd",
        "install",
        "/root/host.yaml",
      );
      equal(code, 1);
      match(stderr, /systemd-networkd manages another network namespace/);
      equal(await host.files(), "");
    });

    it("says that there is no D-Bus", async () => {
      await host.systemd.must("systemctl", "stop", "dbus.socket", "dbus.service");
      match(await refusal(), /no D-Bus at .*; start it with/);
      match(await refusal("--direct"), /no D-Bus at .*; start it with/);
    });
  });
});
