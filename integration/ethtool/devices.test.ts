/** Devices beside the program `ethtool`: what it prints, and what each of the two reads of the other's changes. */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { Ethtool } from "../../lib/ethtool/ethtool.ts";
import { ethtoolIoctl } from "../../lib/ethtool/ioctl.ts";
import { InputError } from "../../lib/shape/shape.ts";
import { Connection } from "../../lib/socket/connection.ts";
import { TestNamespace } from "../../lib/testkit/namespace.ts";
import { needs, skip } from "../../test/needs.ts";
import { tried } from "../../test/tried.ts";
import { table, withoutFamily } from "./kit.ts";

interface Scene extends AsyncDisposable {
  readonly ethtool: Ethtool;
  /** As on a kernel that has no family `ethtool`. */
  readonly old: Ethtool;
  /** Runs a line of shell in the namespace; returns what it printed, of either kind. */
  sh(line: string): string;
}

/** A namespace with a pair of veth devices that have four queues. */
async function scene(): Promise<Scene> {
  const netns = await TestNamespace.create();
  const connection = Connection.open({ protocol: 16, netns: netns.fd });
  const sh = (line: string): string =>
    execFileSync("ip", ["netns", "exec", netns.name ?? "", "sh", "-c", `${line} 2>&1 || true`], { encoding: "utf8" });
  sh("ip link add v0 numrxqueues 4 numtxqueues 4 type veth peer name v1");
  return {
    ethtool: new Ethtool(connection, ethtoolIoctl(netns.fd)),
    old: new Ethtool(withoutFamily, ethtoolIoctl(netns.fd)),
    sh,
    [Symbol.asyncDispose]: async () => {
      connection.close();
      await netns[Symbol.asyncDispose]();
    },
  };
}

const shown = (value: unknown): string => (value === undefined ? "n/a" : String(value));

describe("ethtool: devices", () => {
  before(function () {
    needs(this, "ip", "ethtool");
  });

  it("reads and sets channels", async () => {
    await using here = await scene();
    const agree = async (): Promise<void> => {
      const told = table(here.sh("ethtool -l v0"));
      const { rx, tx, other, combined, rxMax, txMax, otherMax, combinedMax } = await here.ethtool.channels("v0");
      for (const [heading, ...values] of [
        ["Pre-set maximums", rxMax, txMax, otherMax, combinedMax],
        ["Current hardware settings", rx, tx, other, combined],
      ] as const)
        deepEqual(
          values.map(shown),
          ["RX", "TX", "Other", "Combined"].map((label) => told.get(`${heading} / ${label}`)),
        );
    };
    await agree();
    deepEqual(await here.ethtool.setChannels("v0", { rx: 2, tx: 3 }), { rx: 2, tx: 3, rxMax: 4, txMax: 4 });
    await agree();
    here.sh("ethtool -L v0 rx 4 tx 1");
    await agree();
    equal((await here.ethtool.channels("v0")).rx, 4);
    deepEqual(await here.ethtool.setChannels("v0", { tx: 2 }), { rx: 4, tx: 2, rxMax: 4, txMax: 4 }, "absent stays");
    for (const word of ["rx", "tx"]) tried(`channels.${word}`, "changes");
  });

  it("tells refusals of channels in our words and the kernel's", async () => {
    await using here = await scene();
    await rejects(here.ethtool.setChannels("v0", { rx: 5 }), {
      code: "EINVAL",
      message: 'cannot set channels of "v0": requested channel count exceeds maximum (EINVAL, at rx)',
    });
    await rejects(here.ethtool.setChannels("v0", { rx: -1 }), InputError);
    await rejects(here.ethtool.setChannels("v0", { rxx: 1 } as never), /rxx: unknown key; did you mean rx\?/);
    await rejects(here.ethtool.setChannels("nope", { rx: 1 }), { code: "ENODEV", message: /at name\)$/ });
  });

  it("says what a device does not have", async () => {
    await using here = await scene();
    for (const [option, read] of [
      ["-g", () => here.ethtool.rings("v0")],
      ["-a", () => here.ethtool.pause("v0")],
      ["-c", () => here.ethtool.coalesce("v0")],
      ["-l", () => here.ethtool.channels("lo")],
    ] as const) {
      const device = option === "-l" ? "lo" : "v0";
      const other = here.sh(`ethtool ${option} ${device}`);
      if (/not supported/.test(other))
        await rejects(read(), {
          code: "EOPNOTSUPP",
          message: new RegExp(`^cannot read \\w+( \\w+)? of "${device}": `),
        });
      else ok(Object.keys(await read()).length > 0, other);
    }
  });

  it("reads link modes, connector and state", async () => {
    await using here = await scene();
    const told = table(here.sh("ethtool v0"));
    const { speed, duplex, autoneg, supported, advertised } = await here.ethtool.linkModes("v0");
    equal(`${(speed ?? 0) / 1e6}Mb/s`, told.get("Settings for v0 / Speed"));
    equal(duplex, told.get("Settings for v0 / Duplex")?.toLowerCase());
    equal(autoneg ? "on" : "off", told.get("Settings for v0 / Auto-negotiation"));
    deepEqual([supported, advertised], [[], []]);
    const { port, phyad, transceiver, mdixStatus } = await here.ethtool.linkInfo("v0");
    deepEqual([port, phyad, transceiver, mdixStatus], ["tp", 0, "internal", "unknown"]);
    equal(told.get("Settings for v0 / Port"), "Twisted Pair");
    for (const line of ["ip link set v0 up; ip link set v1 up", "ip link set v1 down"]) {
      here.sh(line);
      const { detected } = await here.ethtool.linkState("v0");
      equal(detected ? "yes" : "no", table(here.sh("ethtool v0")).get("Settings for v0 / Link detected"), line);
    }
    await rejects(here.ethtool.setLinkModes("v0", { speed: 100_000_000 }), {
      code: "EOPNOTSUPP",
      message: /^cannot set link modes of "v0": /,
    });
    await rejects(here.ethtool.setLinkModes("v0", { duplex: "both" as "full" }), /expected one of half, full/);
    await rejects(here.ethtool.setLinkModes("v0", { advertise: { TP: 1 as never } }), /each true or false/);
  });

  it("sets speed and coalescing of a tap", async function () {
    await using here = await scene();
    const made = here.sh("ip tuntap add tap0 mode tap");
    if (made !== "") skip(this, `no tap here: ${made.trim()}`);
    const { speed, duplex } = await here.ethtool.setLinkModes("tap0", { speed: 2_500_000_000, duplex: "half" });
    deepEqual([speed, duplex], [2_500_000_000, "half"]);
    const told = table(here.sh("ethtool tap0"));
    deepEqual([told.get("Settings for tap0 / Speed"), told.get("Settings for tap0 / Duplex")], ["2500Mb/s", "Half"]);
    here.sh("ethtool -s tap0 speed 100 duplex full");
    equal((await here.ethtool.linkModes("tap0")).speed, 100_000_000);
    await rejects(here.ethtool.setLinkModes("tap0", { advertise: { "12baseT/Full": true } }), {
      code: "EOPNOTSUPP",
      message: /at advertise/,
    });
    for (const word of ["speed", "duplex"]) tried(`linkmodes.${word}`, "changes");
    deepEqual(await here.ethtool.setCoalesce("tap0", { rxFrames: 5 }), { rxFrames: 5 });
    tried("coalesce.rxFrames", "changes");
    equal(here.sh("ethtool -c tap0").match(/^rx-frames:\s*(\d+)/m)?.[1], "5");
    await rejects(here.ethtool.setCoalesce("tap0", { txUsecs: 5 }), { name: "NetlinkError", message: /at txUsecs/ });
  });

  it("tells the driver and its own statistics", async () => {
    await using here = await scene();
    for (const device of ["v0", "v1"]) {
      const told = new Map(
        [...here.sh(`ethtool -i ${device}`).matchAll(/^([\w-]+): (.*)$/gm)].map(([, key, value]) => [key, value]),
      );
      const { driver, version, firmwareVersion, expansionRomVersion, busInfo, statistics } =
        await here.ethtool.driver(device);
      deepEqual(
        [driver, version, firmwareVersion, expansionRomVersion, busInfo],
        ["driver", "version", "firmware-version", "expansion-rom-version", "bus-info"].map((label) => told.get(label)),
      );
      const lines = [...here.sh(`ethtool -S ${device}`).matchAll(/^ +(.+): (\d+)$/gm)];
      const counted = await here.ethtool.statistics(device);
      equal(counted.size, statistics);
      deepEqual(
        [...counted],
        lines.map(([, name, value]) => [name, BigInt(value ?? "")]),
      );
      ok(counted.size > 0);
    }
    equal((await here.ethtool.statistics("lo")).size, 0);
    match(here.sh("ethtool -S lo"), /no stats available/);
    await rejects(here.ethtool.driver("nope"), {
      code: "ENODEV",
      message: /^cannot read the driver of "nope": .*\(ENODEV, at name\)$/,
    });
    await rejects(here.ethtool.driver("a-name-that-is-much-too-long"));
  });

  it("asks for the standard statistics", async () => {
    await using here = await scene();
    const told = JSON.parse(here.sh("ethtool --json -S v0 --all-groups").replace(/^Standard.*$/m, "") || "[{}]");
    const ours = await here.ethtool.standardStatistics("v0");
    for (const [group, { counters }] of Object.entries(ours))
      deepEqual(Object.keys(told[0][group] ?? {}), [...counters.keys()], group);
    deepEqual(Object.keys(ours), ["eth-phy", "eth-mac", "eth-ctrl", "rmon"]);
  });
});

describe("ethtool: kernels before 5.6", () => {
  before(function () {
    needs(this, "ip", "ethtool");
  });

  it("tell the same features by ioctl, and take changes", async () => {
    await using here = await scene();
    for (const device of ["lo", "v0"])
      deepEqual(await here.old.features(device), await here.ethtool.features(device), device);
    const report = await here.old.set("v0", { tso: false, gro: true });
    deepEqual(report.refused, []);
    ok(report.changed.some(({ name, after }) => name === "tx-tcp-segmentation" && !after));
    equal(here.sh("ethtool -k v0").match(/^tcp-segmentation-offload: (\w+)/m)?.[1], "off");
    deepEqual(await here.old.features("v0"), await here.ethtool.features("v0"));
    deepEqual(await here.old.set("v0", { tso: false }), { changed: [], refused: [], also: [] });
    deepEqual(await here.old.statistics("v0"), await here.ethtool.statistics("v0"));
    await rejects(here.old.features("nope"), { code: "ENODEV", message: /^cannot read features of "nope": / });
    await rejects(here.old.standardStatistics("v0"), { code: "ENOENT" });
  });

  it("tell the same settings by ioctl, and take changes", async () => {
    await using here = await scene();
    const both = [here.old, here.ethtool] as const;
    deepEqual(await here.old.setChannels("v0", { rx: 3 }), { rx: 3, tx: 4, rxMax: 4, txMax: 4 });
    const [queues, others] = await Promise.all(both.map((one) => one.channels("v0")));
    deepEqual(queues, others);
    await rejects(here.old.setChannels("v0", { rx: 5 }), { code: "EINVAL", message: /^cannot set channels of "v0": / });
    const [connector, other] = await Promise.all(both.map((one) => one.linkInfo("v0")));
    deepEqual(connector, other);
    const { rateMatching: _, ...modes } = await here.ethtool.linkModes("v0");
    deepEqual(await here.old.linkModes("v0"), modes);
    here.sh("ip link set v0 up; ip link set v1 up");
    for (const device of ["v0", "lo"]) {
      const { detected } = await here.ethtool.linkState(device);
      deepEqual(await here.old.linkState(device), detected === undefined ? {} : { detected });
    }
    for (const [what, read] of [
      ["pause parameters", () => here.old.pause("v0")],
      ["channels", () => here.old.channels("lo")],
      ["link modes", () => here.old.linkModes("lo")],
    ] as const)
      await rejects(read(), { code: "EOPNOTSUPP", message: new RegExp(`^cannot read ${what} of `) });
    await rejects(here.old.setLinkModes("v0", { speed: 1e8 }), { code: "EOPNOTSUPP" });
    await rejects(here.old.rings("nope"), { code: "ENODEV", message: /^cannot read rings of "nope": .*at name\)$/ });
  });

  it("set speed and coalescing of a tap by ioctl", async function () {
    await using here = await scene();
    const made = here.sh("ip tuntap add tap0 mode tap");
    if (made !== "") skip(this, `no tap here: ${made.trim()}`);
    const { speed, duplex } = await here.old.setLinkModes("tap0", { speed: 2_500_000_000, duplex: "half" });
    deepEqual([speed, duplex], [2_500_000_000, "half"]);
    equal((await here.ethtool.linkModes("tap0")).speed, 2_500_000_000);
    equal((await here.old.setCoalesce("tap0", { rxFrames: 7 })).rxFrames, 7);
    deepEqual(await here.ethtool.coalesce("tap0"), { rxFrames: 7 });
    await rejects(here.old.setCoalesce("tap0", { cqeModeRx: true }), {
      code: "EOPNOTSUPP",
      message: /it needs ethtool over netlink, which this kernel has not \(EOPNOTSUPP, at cqeModeRx\)$/,
    });
    await rejects(here.old.setLinkModes("tap0", { advertise: { "12baseT/Full": true } }), { message: /at advertise/ });
  });
});
